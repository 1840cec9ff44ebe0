"""flowfact.toml is changed so that everything else in it stays, and no file is left half written or open to others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from radicale_flowfact.server import settings_file
from radicale_flowfact.server.htpasswd import generated, has_login, set_password
from radicale_flowfact.server.shipped_files import shipped_text
from radicale_flowfact.settings import SettingsError, load_settings

_ROOT = os.name != "nt" and os.geteuid() == 0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write the commented settings of the package."""
    made = tmp_path / "flowfact.toml"
    made.write_text(shipped_text("config/flowfact.toml"), encoding="utf-8")
    return made


def test_all_other_lines_stay(file: Path) -> None:
    before = file.read_text(encoding="utf-8").splitlines()
    document = settings_file.read(file)
    settings_file.add_user(document, "Zoë Q", 'x"y', ["A", "B"])
    settings_file.set_names(document, {"AD.FIRMA": "Firma1", "RECHTE": ""})
    settings_file.save(file, document)
    after = file.read_text(encoding="utf-8").splitlines()
    assert [line for line in after if line in before] == before
    settings = load_settings(file)
    assert settings.users["Zoë Q"].flowfact == 'x"y'
    assert settings.users["Zoë Q"].address_merkmale == ("A", "B")
    assert dict(settings.names) == {"AD.FIRMA": "Firma1", "RECHTE": ""}


def test_names_that_stay_keep_their_comments(file: Path) -> None:
    text = '\n[names]\n"AD.FIRMA" = "Firma1" # seen in the client\n"AD.ORT" = "Stadt"\n'
    file.write_text('database_url = "sqlite:///x"\n' + text, encoding="utf-8")
    document = settings_file.read(file)
    settings_file.set_names(document, {"AD.FIRMA": "Firma1"})
    settings_file.save(file, document)
    assert file.read_text(encoding="utf-8").endswith('"AD.FIRMA" = "Firma1" # seen in the client\n')


def test_what_cannot_be_settings_is_not_written(file: Path) -> None:
    before = file.read_bytes()
    document = settings_file.read(file)
    document["nosuch"] = 1
    with pytest.raises(SettingsError, match="unknown key nosuch") as caught:
        settings_file.save(file, document)
    assert str(file) in str(caught.value)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file], "no other file is left"


@pytest.mark.parametrize("text", ["x = [", "\udcff"])
def test_a_file_that_is_no_toml_is_told(file: Path, text: str) -> None:
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError, match="is not valid TOML"):
        settings_file.read(file)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be written"):
        settings_file.write(tmp_path / "nosuch" / "x", "text")


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_rights_are_kept_and_others_have_none(file: Path) -> None:
    file.chmod(0o664)
    settings_file.write(file, "x\n")
    assert file.stat().st_mode & 0o777 == 0o660
    new = file.with_name("new")
    settings_file.write(new, "x\n")
    assert new.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not _ROOT, reason="only root can give files to others")
def test_root_gives_a_new_file_to_the_folders_owner_and_group(tmp_path: Path) -> None:
    for owner, group, mode in ((0, 4711, 0o640), (4712, 4711, 0o600), (0, 0, 0o600)):
        folder = tmp_path / f"{owner}-{group}"
        folder.mkdir()
        os.chown(folder, owner, group)
        settings_file.write(folder / "x", "text")
        status = (folder / "x").stat()
        assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (owner, group, mode)


def test_a_password_replaces_each_spelling_of_its_login(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text("# ours\nAnna:x\nanna :y\nben:z\n", encoding="utf-8")
    assert has_login(file, " ANNA")
    assert not has_login(file, "# ours")
    set_password(file, "anna", "new")
    lines = file.read_text(encoding="utf-8").splitlines()
    assert [line.partition(":")[0] for line in lines] == ["# ours", "ben", "anna"]


def test_generated_passwords_can_be_typed_and_differ() -> None:
    made = {generated() for _ in range(200)}
    assert len(made) == 200
    assert all(len(one) == 19 and not set(one) & set("0O1lIi") for one in made)
