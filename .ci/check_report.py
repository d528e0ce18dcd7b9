"""Checks what `candelab report --quick --out DIR` wrote: check_report.py DIR."""

import json
import pathlib
import re
import struct
import sys

folder = pathlib.Path(sys.argv[1])
page = (folder / "index.html").read_text()
plain = page.replace("&#x2f;", "/").replace('<span class="word">', "").replace("</span> ", " ")
records = sorted(folder.glob("*/record.json"))
assert records, "no record"
assert not re.search(r"<script|<link|src=\"http|@import", page), "the page needs something else"
assert not list(folder.rglob("*tmp*")), "temporary files were left"

# What mean-field theory says of the networks of these runs, and by how much they may differ.
factors = {"sigmoid-xavier": 0.236052, "relu-xavier": 0.5**0.5, "relu-he": 1.0}
seen = set()
for path in records:
    record = json.loads(path.read_text())
    assert record["schema"] == "candelab.record/1", path
    assert record["provenance"]["command"] in plain, path
    for figure in record["figures"]:
        name = figure["id"]
        assert f'{name}' in page, (path, name)
        picture = (path.parent / f"{name}.png").read_bytes()
        width, height = struct.unpack(">II", picture[16:24])
        assert picture[:4] == b"\x89PNG" and width >= 800 and height >= 400, (path, name, width, height)
        assert (path.parent / f"{name}.svg").read_text().startswith("<svg"), (path, name)
        assert list(path.parent.glob(f"{name}*.csv")), (path, name)
    findings = {f["name"]: f for f in record["findings"]}
    if record["case"] in factors:
        value, want = findings["sweep_factor"]["value"], factors[record["case"]]
        assert abs(value / want - 1) < 0.1, (record["case"], value, want)
        seen.add(record["case"])
    print(f"{path.parent.name}: {len(record['figures'])} figures, {len(findings)} findings, {len(record['verdicts'])} verdicts")
assert seen == set(factors), seen
