from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from serving.models import check_model, load_model


def test_an_open_model_is_named_with_its_folder(tmp_path: Path) -> None:
    name = f"matrix-game-2@{tmp_path}"
    check_model(name)
    info = load_model(name).info
    assert (info.name, info.width_px, info.height_px, info.frame_rate) == ("matrix-game-2", 640, 352, 25.0)
    assert load_model(name, "fast").info.profile == "fast"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wan-none@.", "the open models are wan-1.3b"),
        ("@.", "the open models are"),
        ("wan-1.3b@", "is no folder"),
        ("wan-1.3b@no-such-folder", "'no-such-folder' is no folder"),
        ("wan-1.3b", "NAME@FOLDER"),
    ],
)
def test_an_open_model_that_is_not_there_is_refused(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_model(name)


def test_a_name_is_checked_without_loading_torch(tmp_path: Path) -> None:
    script = f"import sys; from serving.models import check_model; check_model('wan-1.3b@{tmp_path}')"
    script += "; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
