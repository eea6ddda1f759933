import math

from pipeline.kubeflow.page import markdown, metrics

SPLITS = {
    "train": {"perplexity": 12.345, "characters": 1000.0},
    "eval": {"perplexity": 23.456, "unigram_perplexity": 400.0, "perplexity_to_unigram": math.nan},
}


def test_metrics_are_numbers_by_split_and_name():
    assert metrics(SPLITS) == {
        "train perplexity": 12.345,
        "train characters": 1000.0,
        "eval perplexity": 23.456,
        "eval unigram_perplexity": 400.0,
    }


def test_the_summary_says_why_and_compares():
    said = markdown(
        SPLITS, {"blessed": 0.0, "reason": "perplexity is 3 above the baseline model's"}
    )
    assert said == (
        "The model **did not pass** the gate: perplexity is 3 above the baseline model's.\n"
        "\n"
        "| perplexity, lower is better | train | eval |\n"
        "|---|---:|---:|\n"
        "| model | 12.35 | 23.46 |\n"
        "| unigram |  | 400.00 |\n"
        "| scored | 1,000 |  |\n"
    )
