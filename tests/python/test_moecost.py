# SPDX-License-Identifier: Apache-2.0
"""The Python module against the program: the same questions, the same digits, the same messages.

Run with PYTHONPATH at the built package and MOECOST_PROGRAM at the program.
"""
import ast
import inspect
import json
import math
import os
import pathlib
import random
import subprocess
import threading
import unittest

import numpy as np

import moecost
from moecost import _core

PROGRAM = os.environ["MOECOST_PROGRAM"]
QUESTIONS = 60


def program(*words):
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False)


def options_of(question):
    return [f"--{key.replace('_', '-')}={value}" for key, value in question.items()]


def message_of(run):
    """The refusal on stderr, as an exception writes it."""
    lines = [line for line in run.stderr.splitlines() if line.startswith(("moecost: ", "hint: "))]
    return "\n".join(lines).removeprefix("moecost: ")


def random_question(rng, models, gpus):
    question = {"model": rng.choice(models), "gpu": rng.choice(gpus), "tp": rng.choice([1, 2, 4, 8]),
                "isl": rng.randint(16, 20000), "osl": rng.randint(16, 4000),
                "engine": rng.choice(["vllm", "sglang", "trtllm", "ideal"])}
    kind = rng.choice(["concurrency", "rate", "static_batch", "burst", "decode_only"])
    question[kind] = round(10 ** rng.uniform(-1, 1), 3) if kind == "rate" else rng.randint(1, 512)
    if rng.random() < 0.3:
        question["cached"] = round(rng.uniform(0, 0.9), 3)
    if rng.random() < 0.3:
        question["slo_tpot"] = "p95:500ms"
    if rng.random() < 0.2:
        question["price"] = round(rng.uniform(1, 9), 2)
    return question


class Answers(unittest.TestCase):
    maxDiff = None

    def assert_same(self, question):
        run = program("estimate", *options_of(question), "--format=json")
        try:
            answer = moecost.estimate(**question)
        except moecost.Infeasible as no:
            self.assertEqual(run.returncode, 3)
            self.assertEqual(str(no), message_of(run))
            return False
        found = json.loads(run.stdout)["estimates"][0]
        self.assertEqual(answer.to_dict(), found)
        figures = answer.figures()
        for group in ("deployment", "serving", "memory", "cost", "trust"):
            for key, value in found[group].items():
                one = getattr(answer, key)
                if value is None:
                    self.assertTrue(one is None or math.isnan(one), key)
                else:
                    self.assertEqual(one, value, key)
                    self.assertEqual(figures[key], value, key)
        for key, value in found["intervals"].items():
            self.assertEqual(answer.interval(key), tuple(value) if value else None)
        return True

    def test_random_questions_are_answered_to_the_last_digit(self):
        rng = random.Random(25)
        models = list(moecost.listing("models")["id"])
        gpus = list(moecost.listing("gpus")["id"])
        # Two of three questions on machines that most models fit on: answers, not refusals alone.
        large = ["h200_sxm", "b200_sxm", "mi300x", "h100_sxm"]
        answered = 0
        for i in range(QUESTIONS):
            question = random_question(rng, models, gpus if i % 3 == 0 else large)
            with self.subTest(question=question):
                answered += self.assert_same(question)
        self.assertGreater(answered, QUESTIONS / 4)

    def test_text_is_that_of_the_program(self):
        question = {"model": "mixtral-8x7b", "gpu": "h100", "tp": 2, "concurrency": 8}
        run = subprocess.run([PROGRAM, "estimate", *options_of(question)], capture_output=True, text=True,
                             check=True, env={**os.environ, "COLUMNS": "100"})
        self.assertEqual(str(moecost.estimate(**question)), run.stdout)

    def test_values_of_numpy_switches_and_nothing(self):
        plain = moecost.estimate(model="mixtral-8x7b", gpu="h100", tp=2, isl=2000, concurrency=8)
        other = moecost.estimate(model="mixtral-8x7b", gpu="h100", tp=np.int64(2), isl=np.float64(2e3),
                                 concurrency=np.float32(8), offline=False, rate=None)
        self.assertEqual(repr(plain.figures()), repr(other.figures()))
        self.assertEqual(moecost.estimate(model="mixtral-8x7b", gpu="h100", tp=2, offline=True).load, "offline")

    def test_what_if_edits_are_a_mapping(self):
        answer = moecost.estimate(model="mixtral-8x7b", gpu="h100", tp=4, set={"experts": 16, "top_k": 1})
        run = program("estimate", "--model=mixtral-8x7b", "--gpu=h100", "--tp=4", "--set=experts=16", "--set=top_k=1",
                      "--format=json")
        self.assertEqual(answer.to_dict(), json.loads(run.stdout)["estimates"][0])

    def test_threads_answer_alike(self):
        question = {"model": "mixtral-8x7b", "gpu": "h100", "tp": 2, "concurrency": 8}
        found = []
        threads = [threading.Thread(target=lambda: found.append(repr(moecost.estimate(**question).figures())))
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(found, [found[0]] * 4)


class Messages(unittest.TestCase):
    def test_mistakes_are_told_as_the_program_tells_them(self):
        mistakes = [{"model": "mixtral-8x7", "gpu": "h100"},
                    {"model": "mixtral-8x7b", "gpu": "h1000"},
                    {"model": "mixtral-8x7b", "gpu": "h100", "tp": 0},
                    {"model": "mixtral-8x7b", "gpu": "h100", "tp": "two"},
                    {"model": "mixtral-8x7b", "gpu": "h100", "concurency": 3},
                    {"model": "mixtral-8x7b", "gpu": "h100", "weights": "fp7"},
                    {"model": "mixtral-8x7b", "gpu": "h100", "rate": 1, "concurrency": 3},
                    {"gpu": "h100"}]
        for mistake in mistakes:
            with self.subTest(mistake=mistake):
                run = program("estimate", *options_of(mistake))
                self.assertEqual(run.returncode, 2)
                with self.assertRaises(moecost.InputError) as raised:
                    moecost.estimate(**mistake)
                self.assertEqual(str(raised.exception), message_of(run))
                self.assertIsInstance(raised.exception, ValueError)

    def test_what_cannot_run_says_what_would(self):
        with self.assertRaises(moecost.Infeasible) as raised:
            moecost.estimate(model="mixtral-8x7b", gpu="a100_sxm_40", tp=2)
        no = raised.exception
        self.assertGreater(no.needed, no.available)
        self.assertIn("--tp", no.hint)

    def test_values_that_are_no_values(self):
        for value in (object(), b"h100", [object()]):
            with self.assertRaises(moecost.InputError):
                moecost.estimate(model="mixtral-8x7b", gpu=value)
        with self.assertRaisesRegex(moecost.InputError, "is a switch"):
            moecost.estimate(model="mixtral-8x7b", gpu="h100", offline="yes")

    def test_several_deployments_are_compared_elsewhere(self):
        with self.assertRaisesRegex(moecost.InputError, "compare"):
            moecost.estimate(model="mixtral-8x7b", gpu=["h100", "h200"], tp=2)


class Tables(unittest.TestCase):
    def test_compare_stands_deployments_side_by_side(self):
        table = moecost.compare(model="mixtral-8x7b", gpu=["a100_sxm_40", "h100"], tp=2, concurrency=[1, 64])
        self.assertEqual(len(table), 4)
        self.assertEqual(list(table["infeasible"].isna()), [False, False, True, True])
        one = moecost.estimate(model="mixtral-8x7b", gpu="h100", tp=2, concurrency=64)
        self.assertEqual(table["tpot_s"].iloc[3], one.tpot_s)

    def test_plan_is_that_of_the_program(self):
        question = {"model": "gpt-oss-120b", "gpu": "h200,b200", "rate": 20, "isl": 1000, "osl": 300,
                    "instance_gpus": "1,2", "slo_tpot": "30ms"}
        table = moecost.plan(**question)
        run = program("plan", *options_of(question), "--format=json")
        self.assertEqual(table.attrs["answer"], json.loads(run.stdout))
        self.assertEqual(table["role"].iloc[0], "answer")
        best = table.attrs["answer"]["answer"]["estimate"]
        self.assertEqual(table["usd_per_mtok_output"].iloc[0], best["cost"]["usd_per_mtok_output"])

    def test_plan_that_is_not_possible(self):
        question = {"model": "gpt-oss-120b", "gpu": "h200", "rate": 20, "isl": 1000, "osl": 300,
                    "instance_gpus": "1,2", "slo_tpot": "1ms"}
        run = program("plan", *options_of(question))
        with self.assertRaises(moecost.Infeasible) as raised:
            moecost.plan(**question)
        self.assertEqual(str(raised.exception), message_of(run))
        self.assertIsNotNone(raised.exception.answer["nearest"])

    def test_design_is_that_of_the_program(self):
        question = {"budget": 1e21, "equal_to": 1, "gpu": "h100", "gpus": 1, "experts": "1,8", "sizes": "0.25B..4B",
                    "size_points": 3, "concurrency": "64,512", "refine": 1}
        table = moecost.design(**question)
        run = program("design", *options_of(question), "--format=json")
        self.assertEqual(table.attrs["answer"], json.loads(run.stdout))
        self.assertEqual(table["role"].iloc[0], "winner")

    def test_lists_are_tables(self):
        self.assertIn("h200_sxm", set(moecost.listing("gpus")["id"]))
        self.assertEqual(len(moecost.params("mixtral-8x7b", "deepseek-v3")), 2)


class Sweeps(unittest.TestCase):
    def test_rows_are_estimates(self):
        # A sweep keeps the times of steps as polynomials that hold to 1e-11; a single answer works the laws out.
        table = moecost.sweep(model="mixtral-8x7b", gpu=["h100_sxm", "h200_sxm"], tp=[2, 4], concurrency=[1, 16, 64],
                              columns=["gpu", "tp", "concurrency", "tpot_s", "usd_per_mtok_output", "provenance"])
        self.assertEqual(len(table), 12)
        for row in table.itertuples():
            one = moecost.estimate(model="mixtral-8x7b", gpu=row.gpu, tp=row.tp, concurrency=row.concurrency)
            self.assertAlmostEqual(row.tpot_s / one.tpot_s, 1, delta=1e-10)
            self.assertAlmostEqual(row.usd_per_mtok_output / one.usd_per_mtok_output, 1, delta=1e-10)
            self.assertEqual(row.provenance, one.provenance)

    def test_a_grid_file_gives_the_rows_of_the_program(self):
        grid = pathlib.Path(__file__).parent.parent / "cli" / "data" / "grid.toml"
        table = moecost.sweep(grid)
        lines = program("sweep", str(grid), "--quiet").stdout.splitlines()
        header = lines[0].split(",")
        self.assertEqual(len(table), len(lines) - 1)
        for row, line in zip(table.itertuples(index=False), lines[1:]):
            for key, text in zip(header, line.split(",")):
                value = getattr(row, key)
                if isinstance(value, float):
                    self.assertEqual(float(f"{value:.6g}"), float(text), key)
                else:
                    self.assertEqual(value, text, key)

    def test_threads_leave_no_trace(self):
        question = {"model": "mixtral-8x7b", "gpu": "h100_sxm", "tp": [2, 4, 8],
                    "concurrency": list(range(1, 2001)), "filter": "concurrency % 2 == 0"}
        one = moecost.sweep(**question, threads=1)
        self.assertTrue(one.equals(moecost.sweep(**question, threads=4)))
        self.assertEqual(len(one), 3000)
        self.assertEqual(one.attrs["filtered"], {"concurrency % 2 == 0": 3000})

    def test_what_cannot_run_is_counted_or_kept(self):
        question = {"model": "mixtral-8x7b", "gpu": ["a100_sxm_40", "h100_sxm"], "tp": 2}
        self.assertEqual(len(moecost.sweep(**question)), 1)
        kept = moecost.sweep(**question, keep_infeasible=True)
        self.assertEqual(list(kept["infeasible"].isna()), [False, True])
        with self.assertRaisesRegex(moecost.Infeasible, "none of 1 points"):
            moecost.sweep(model="mixtral-8x7b", gpu=["a100_sxm_40"], tp=2)

    def test_the_frontier_is_a_column(self):
        table = moecost.sweep(model="mixtral-8x7b", gpu="h100_sxm", tp=2, concurrency=[1, 4, 16, 64, 256],
                              frontier={"minimise": ["tpot_s", "usd_per_mtok_output"]})
        self.assertEqual(list(table["on_frontier"]), [True] * 5)   # dearer and faster, step by step

    def test_mistakes_of_a_grid(self):
        with self.assertRaises(moecost.InputError):
            moecost.sweep(model="mixtral-8x7b", gpu="h100", tq=[1, 2])
        with self.assertRaisesRegex(moecost.InputError, "no input is a list"):
            moecost.sweep(model="mixtral-8x7b", gpu="h100")
        with self.assertRaisesRegex(moecost.InputError, "no such file"):
            moecost.sweep("no-grid.toml")


class Generated(unittest.TestCase):
    def test_every_input_is_a_keyword_with_its_help(self):
        signature = inspect.signature(moecost.estimate)
        for key in _core.input_keys():
            self.assertIn(key, signature.parameters)
            self.assertIn(f"    {key}: ", moecost.estimate.__doc__)

    def test_every_figure_is_documented(self):
        for row in _core.figures():
            self.assertIn(row["help"], inspect.getdoc(getattr(moecost.Estimate, row["key"])))

    def test_stubs_are_python_and_name_everything(self):
        text = (pathlib.Path(moecost.__file__).parent / "__init__.pyi").read_text()
        tree = ast.parse(text)
        names = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        self.assertLessEqual({"Estimate", "estimate", "compare", "plan", "design", "sweep"}, names)
        for key in _core.input_keys():
            self.assertIn(f"    {key}: ", text)


if __name__ == "__main__":
    unittest.main()
