#!/bin/sh
# Makes what mutual TLS needs, to try it out: a certificate authority, a server's and a client's
# certificate by it, and server/ssl.config, the SSLConfig that holds the server's (TF Serving reads no
# paths there).
#
#     make-certificates.sh FOLDER [HOST]
set -eu
folder=${1:?say which folder the certificates go to}
host=${2:-localhost}
umask 077  # they are keys
mkdir -p "$folder/server"
cd "$folder"

openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj "/CN=tfx-lyrics CA" \
    -keyout ca-key.pem -out ca.pem

sign() {  # NAME EXTENSIONS
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$1-key.pem" -out "$1.csr"
    printf '%s\n' "$2" > "$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 365 \
        -extfile "$1.ext" -out "$1.pem"
    rm "$1.csr" "$1.ext"
}
sign server "subjectAltName = DNS:$host, DNS:localhost, IP:127.0.0.1"
sign client "extendedKeyUsage = clientAuth"

field() {  # NAME FILE
    echo "$1:"
    sed 's/.*/  "&\\n"/' "$2"
}
{
    field server_key server-key.pem
    field server_cert server.pem
    field custom_ca ca.pem
    echo "client_verify: true  # false is TLS without certificates of clients"
} > server/ssl.config
