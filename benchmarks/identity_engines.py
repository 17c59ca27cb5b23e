"""The same customer file through Splink and through rules with rapidfuzz, for the decision note.

Splink is no dependency of this project. With it in an environment of its own:

    python -m benchmarks.identity_engines write records.csv      # here
    python benchmarks/identity_engines.py splink records.csv     # there
    python benchmarks/identity_engines.py rules records.csv      # in either

The file holds values that are already normalised (names folded and sorted, telephones in E.164), so
that only the ways of deciding are compared.
"""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path

Pairs = set[tuple[int, int]]


def write(file: Path, seed: int = 1) -> None:
    from benchmarks.duplicates import customer_file
    from relatum.api import fold
    from relatum_identity.engine.values import read_address, read_email, read_phone

    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(
            ["unique_id", "person", "name", "given", "phone", "email", "birth", "address"]
        )
        for place, each in enumerate(customer_file(seed)):
            words = fold(each.name).split()
            writer.writerow(
                [
                    place,
                    each.person,
                    " ".join(sorted(words)),
                    words[-1],
                    read_phone(each.phone or ""),
                    read_email(each.email or ""),
                    each.birth or "",
                    read_address(each.address or ""),
                ]
            )


def splink(file: Path) -> list[tuple[str, Pairs, Pairs]]:
    import splink.comparison_library as cl
    from splink import Linker, SettingsCreator, block_on
    from splink.backends.duckdb import DuckDBAPI

    rules = [block_on(key) for key in ("phone", "email", "name", "birth", "address")]
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            cl.JaroWinklerAtThresholds("name", [0.95, 0.88]).configure(
                term_frequency_adjustments=True
            ),
            cl.DamerauLevenshteinAtThresholds("phone", [1]).configure(
                term_frequency_adjustments=True
            ),
            cl.DamerauLevenshteinAtThresholds("email", [2]),
            cl.DamerauLevenshteinAtThresholds("birth", [1, 2]),
            cl.JaroWinklerAtThresholds("address", [0.92]).configure(
                term_frequency_adjustments=True
            ),
        ],
        blocking_rules_to_generate_predictions=rules,
        probability_two_random_records_match=3.9e-5,
    )
    import duckdb

    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE records AS SELECT * REPLACE (nullif(name, '') AS name, "
        "nullif(phone, '') AS phone, nullif(email, '') AS email, nullif(birth, '') AS birth, "
        f"nullif(address, '') AS address) FROM read_csv('{file}', all_varchar=true)"
    )
    connection.execute("ALTER TABLE records ALTER unique_id TYPE INTEGER")
    api = DuckDBAPI(connection=connection)
    linker = Linker(api.register("records"), settings, log_level=40)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for key in ("phone", "birth", "name"):
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(key))
    found = linker.inference.predict(threshold_match_probability=0.01).as_record_list()
    answer: list[tuple[str, Pairs, Pairs]] = []
    for auto in (0.99, 0.999, 0.9999):
        sure, shown = (
            {
                tuple(sorted((int(each["unique_id_l"]), int(each["unique_id_r"]))))
                for each in found
                if least <= each["match_probability"] < most
            }
            for least, most in ((auto, 2.0), (0.10, auto))
        )
        answer.append((f"Splink, auto from {auto}", sure, shown))
    return answer


def rules(file: Path) -> list[tuple[str, Pairs, Pairs]]:
    from rapidfuzz import fuzz

    records = _records(file)
    blocks: dict[tuple[str, str], list[int]] = {}
    for place, each in enumerate(records):
        for key in ("phone", "email", "name", "birth", "address"):
            if each[key]:
                blocks.setdefault((key, each[key]), []).append(place)
    pairs = {
        (a, b)
        for some in blocks.values()
        if len(some) <= 80
        for n, a in enumerate(some)
        for b in some[n + 1 :]
    }
    alike = {p: fuzz.token_sort_ratio(records[p[0]]["name"], records[p[1]]["name"]) for p in pairs}

    def same(pair: tuple[int, int], key: str) -> bool:
        return bool(records[pair[0]][key]) and records[pair[0]][key] == records[pair[1]][key]

    reach = {p for p in pairs if same(p, "phone") or same(p, "email")}
    strict = {p for p in reach if alike[p] >= 88}
    wide = {p for p in pairs if alike[p] >= 75 and any(same(p, k) for k in ("birth", "address"))}
    return [
        ("rule: same telephone or e-mail", reach, set()),
        (
            "rule: same name and telephone",
            {p for p in pairs if same(p, "name") and same(p, "phone")},
            set(),
        ),
        ("rapidfuzz: name >= 88 and same telephone or e-mail", strict, (reach | wide) - strict),
    ]


def _records(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


def main(what: str, file: Path) -> None:
    if what == "write":
        write(file)
        return
    people: dict[str, list[int]] = {}
    records = _records(file)
    for place, each in enumerate(records):
        people.setdefault(each["person"], []).append(place)
    true = {(a, b) for some in people.values() for n, a in enumerate(some) for b in some[n + 1 :]}
    began = time.perf_counter()
    for name, sure, shown in (splink if what == "splink" else rules)(file):
        print(
            f"{name}: precision {len(sure & true) / max(len(sure), 1):.4f}, "
            f"recall {len(sure & true) / len(true):.3f}, "
            f"with review {len((sure | shown) & true) / len(true):.3f}, "
            f"queue {len(shown) / len(records):.3f}, {time.perf_counter() - began:.1f} s"
        )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
