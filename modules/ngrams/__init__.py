"""What the network is compared with: n-gram counts, Kneser-Ney, a cache, their mixture."""
