"""The live display in an executed notebook."""

from __future__ import annotations

import pytest

nbclient = pytest.importorskip("nbclient", reason="needs the extra dev")
nbformat = pytest.importorskip("nbformat", reason="needs the extra dev")

pytestmark = pytest.mark.slow

FIT = """
import warnings
warnings.simplefilter("error")
from lightgbm import LGBMClassifier
from sklearn.datasets import make_classification
from sktrainer import ManagedTrainer
X, y = make_classification(4000, 20, random_state=0)
model = LGBMClassifier(n_estimators=700, verbosity=-1)
trainer = ManagedTrainer(model, cv=2, early_stopping=False, verbose=VERBOSE, random_state=0)
_ = trainer.fit(X, y)
print("fitted")
"""


def run(verbose):
    """Execute a fit; return the outputs of its cell, and the texts of the live display."""
    cell = nbformat.v4.new_code_cell(FIT.replace("VERBOSE", str(verbose)))
    notebook = nbformat.v4.new_notebook(cells=[cell])
    client = nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3")
    texts = []
    process = client.process_message

    def record(message, cell, index):
        if message["msg_type"] in ("display_data", "update_display_data"):
            texts.append(message["content"]["data"]["text/plain"])
        return process(message, cell, index)

    client.process_message = record
    client.execute()
    return notebook.cells[0].outputs, texts


def test_one_output_is_updated_and_keeps_the_stages():
    outputs, texts = run(verbose=1)
    assert [output.output_type for output in outputs] == ["display_data", "stream"]
    final = outputs[0].data["text/plain"]
    assert "✓ Data" in final and "fold 2/2" in final and "✓ LGBMClassifier fitted" in final
    assert final in texts[-1]
    page = outputs[0].data["text/html"]
    assert page.startswith("<pre style=") and "✓ LGBMClassifier fitted" in page
    assert outputs[1].text == "fitted\n"
    running = [text for text in texts if "━" in text]
    assert running, "the display did not move"
    assert any("/700" in text and " left" in text for text in running)
    assert not any("\x1b" in text for text in texts)
    assert "━" not in final


def test_silent_fit_has_no_output():
    outputs, texts = run(verbose=0)
    assert [output.text for output in outputs] == ["fitted\n"]
    assert texts == []
