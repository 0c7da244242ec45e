"""The script behind ``make gallery`` draws every display."""

import importlib.util
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from PIL import Image

import skattnrec.inspection as inspection

SCRIPT = Path(__file__).parents[1] / "docs" / "pictures" / "gallery.py"


@pytest.fixture
def gallery(monkeypatch):
    spec = importlib.util.spec_from_file_location("gallery", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.delenv("SKATTNREC_DATA", raising=False)
    quick = {"SIZE": (80, 60, 1600), "TEMPERATURES": (1, 2), "DOTS_PER_INCH": 50}
    for name, value in quick.items():
        monkeypatch.setattr(module, name, value)
    plt.switch_backend("Agg")
    yield module
    plt.close("all")


def test_gallery(gallery, tmp_path, monkeypatch):
    drawn = set()
    for name in inspection.__all__:
        if name.endswith("Display"):
            display = getattr(inspection, name)
            plot = display.plot

            def draw(self, *args, plot=plot, name=name, **kwargs):
                drawn.add(name)
                return plot(self, *args, **kwargs)

            monkeypatch.setattr(display, "plot", draw)
    moved = []  # saving them takes long, and has a test of its own
    monkeypatch.setattr(inspection, "animate_attention", lambda *_, over, **__: moved.append(over))
    gallery.draw(gallery.load(), tmp_path)
    assert moved == ["history", "temperature"]
    assert drawn == {name for name in inspection.__all__ if name.endswith("Display")}
    pictures = sorted(tmp_path.iterdir())
    assert len(pictures) >= 20
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) > 100
