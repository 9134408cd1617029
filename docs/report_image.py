"""Write docs/images/report.png, the picture of a report on the start page.

It trains the model of the start page, writes the report, and takes a picture of it with
headless Chromium. Run it again when the look of a report has changed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from lightgbm import LGBMClassifier
from PIL import Image

from sktrainer import ManagedTrainer
from sktrainer.datasets import load_hypothyroid

TARGET = Path(__file__).parent / "images" / "report.png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SIZE = (1000, 1250)  # the first screens of the page
MAX_BYTES = 150_000


def main() -> None:
    """Train, write the report and take the picture."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"No browser found. Install one of: {', '.join(BROWSERS)}")
    X, y = load_hypothyroid(return_X_y=True)
    trainer = ManagedTrainer(
        LGBMClassifier(n_estimators=2000), test_size=0.2, random_state=0
    ).fit(X, y)
    with tempfile.TemporaryDirectory() as folder:
        page = trainer.report_.to_html(Path(folder) / "report.html")
        picture = Path(folder) / "report.png"
        options = ["--headless", "--no-sandbox", "--hide-scrollbars"]
        size = f"--window-size={SIZE[0]},{SIZE[1]}"
        subprocess.run(
            [browser, *options, size, f"--screenshot={picture}", page.as_uri()],
            check=True,
            capture_output=True,
        )
        # 128 colors are enough for text and lines, and keep the file small.
        Image.open(picture).convert("RGB").quantize(128).save(TARGET, optimize=True)
    n_bytes = TARGET.stat().st_size
    print(f"{TARGET}: {n_bytes // 1000} kB")
    if n_bytes > MAX_BYTES:
        sys.exit(f"The picture is larger than {MAX_BYTES // 1000} kB. Reduce SIZE.")


if __name__ == "__main__":
    main()
