from __future__ import annotations

import pytest

from model.interface import Tuning
from model.recaching import RecachingEncoder
from serving.models import check_model, load_model
from tests.fakes_model import FakeModel

LOADER = "tests.fakes_model:load"


def test_a_loader_of_ones_own_is_called() -> None:
    check_model(LOADER)
    assert isinstance(load_model(LOADER), FakeModel)


def test_a_model_is_loaded_in_the_profile_that_is_asked_for_and_refused_where_it_has_none() -> None:
    assert load_model("pearl-xs").info.profile == "exact"
    assert load_model("pearl-xs", "fast").info.profile == "fast"
    assert load_model(LOADER, "exact").info.profile == "exact"
    with pytest.raises(ValueError, match=r"fakes_model:load' has no profile 'fast'"):
        load_model(LOADER, "fast")


def test_a_model_is_tuned_where_it_can_be() -> None:
    assert isinstance(load_model("pearl-xs", "exact", Tuning(recaches=True)).load_encoder(), RecachingEncoder)
    assert isinstance(load_model(LOADER, "exact", Tuning()), FakeModel)
    with pytest.raises(ValueError, match="processor"):
        load_model("pearl-xs", "fast", Tuning(compiles=True))
    with pytest.raises(ValueError, match="cannot be tuned"):
        load_model(LOADER, "exact", Tuning(recaches=True))


def test_what_a_preset_has_not_is_found_without_loading_it() -> None:
    check_model("pearl-xs", Tuning(recaches=True))
    check_model(LOADER, Tuning(ranks=2))  # whoever wrote it knows
    for tuning in (Tuning(compiles=True), Tuning(eight_bit=True), Tuning(ranks=2)):
        with pytest.raises(ValueError, match="pearl-xs runs on a processor"):
            check_model("pearl-xs", tuning)


def test_a_preset_is_known_without_loading_it() -> None:
    check_model("pearl-xs")


@pytest.mark.parametrize("name", ["pearl-none", "", "no.such.module:load", ":load"])
def test_a_name_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="model"):
        check_model(name)


def test_only_presets_that_can_be_served_are_offered() -> None:
    for name in ("pearl-none", "judge"):
        with pytest.raises(ValueError, match=r"must be one of \['pearl-xs'\]"):
            check_model(name)


def test_a_loader_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="no_such"):
        load_model("tests.fakes_model:no_such")
