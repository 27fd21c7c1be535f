import os
import re
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_cli.context.inputs import gather
from synapse_cli.core.errors import InputError, UsageError
from synapse_cli.core.witness import Witness


def _gather(cwd, words=(), files=(), stdin=None, **options):
    settings = {"max_bytes": 10_000, "witness": Witness(), **options}
    return gather(words, files, stdin, cwd=str(cwd), **settings)


def test_arguments_then_files_then_stdin_with_a_blank_line_between(tmp_path):
    (tmp_path / "a.txt").write_text("alpha\n")
    (tmp_path / "b.md").write_text("beta")

    given_ = _gather(tmp_path, ["Sum", "it", "up"], ["a.txt", "b.md"], b"from stdin\n")

    assert given_.text == "Sum it up\n\nFile: a.txt\n```\nalpha\n```\n\nFile: b.md\n```\nbeta\n```\n\nfrom stdin"
    assert given_.words == "Sum it up"
    assert given_.attached == "File: a.txt\n```\nalpha\n```\n\nFile: b.md\n```\nbeta\n```\n\nfrom stdin"
    assert given_.files == ("a.txt", "b.md")


def test_a_lone_dash_places_stdin_among_the_arguments(tmp_path):
    (tmp_path / "a").write_text("x")

    given_ = _gather(tmp_path, ["Read", "-", "and", "judge"], ["a"], b"this")

    assert given_.text == "Read\n\nthis\n\nand judge\n\nFile: a\n```\nx\n```"
    assert given_.words == "Read and judge"


def test_a_dash_as_a_file_places_stdin_fenced_among_the_files(tmp_path):
    (tmp_path / "a").write_text("x")

    text = _gather(tmp_path, ["go"], ["-", "a"], b"piped\n").text

    assert text == "go\n\nFile: stdin\n```\npiped\n```\n\nFile: a\n```\nx\n```"


@pytest.mark.parametrize(("words", "files"), [(["-", "-"], []), (["-"], ["-"]), ([], ["-", "/dev/stdin"])])
def test_stdin_can_stand_in_one_place_only(tmp_path, words, files):
    with pytest.raises(UsageError, match="one place"):
        _gather(tmp_path, words, files, b"x")


def test_a_dash_without_anything_piped_in_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="nothing was piped in"):
        _gather(tmp_path, ["-"], [], None)


@pytest.mark.parametrize("stdin", [None, b"", b"\n", b"  \n"])
def test_nothing_at_all_is_a_usage_error_with_an_example(tmp_path, stdin):
    with pytest.raises(UsageError) as caught:
        _gather(tmp_path, [], [], stdin)

    assert "synapse run" in caught.value.hint
    assert _gather(tmp_path, [], [], stdin, may_be_empty=True).text == ""


def test_the_fence_is_longer_than_any_run_of_backticks_inside(tmp_path):
    (tmp_path / "a.md").write_text("````\ncode\n````\n")

    assert _gather(tmp_path, [], ["a.md"]).text == "File: a.md\n`````\n````\ncode\n````\n`````"


@settings(deadline=None)
@given(st.text(alphabet="`\n x", max_size=40))
def test_a_fenced_text_never_ends_its_own_fence(text):
    from synapse_cli.context.inputs import _fenced

    lines = _fenced("a", text).split("\n")
    fence = lines[1]

    assert lines[-1] == fence
    assert not [line for line in lines[2:-1] if re.fullmatch(rf"\s*`{{{len(fence)},}}\s*", line)]


def test_a_glob_gives_its_files_sorted_without_folders_and_tells_the_witness(tmp_path):
    for name in ("b.txt", "a.txt", "c.md"):
        (tmp_path / name).write_text(name)
    (tmp_path / "d.txt").mkdir()
    witness = Witness()

    given_ = _gather(tmp_path, [], ["*.txt"], witness=witness)

    assert given_.files == ("a.txt", "b.txt")
    assert witness.globs == {str(tmp_path / "*.txt"): tuple(str(tmp_path / n) for n in ("a.txt", "b.txt", "d.txt"))}
    assert list(witness.files) == [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    assert all(witness.files.values())
    assert witness.missing == {str(tmp_path / "*.txt")}


def test_a_glob_reaches_into_folders(tmp_path):
    (tmp_path / "x" / "y").mkdir(parents=True)
    (tmp_path / "x" / "y" / "z.log").write_text("z")

    assert _gather(tmp_path, [], ["**/*.log"]).files == ("x/y/z.log",)


def test_a_file_whose_name_is_a_pattern_is_that_file(tmp_path):
    (tmp_path / "a[1].txt").write_text("one")
    (tmp_path / "a1.txt").write_text("other")

    assert _gather(tmp_path, [], ["a[1].txt"]).files == ("a[1].txt",)


def test_a_glob_without_a_match_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"no file matches '\*\.txt'"):
        _gather(tmp_path, ["x"], ["*.txt"])


def test_a_missing_file_a_folder_and_a_socket_are_input_errors(tmp_path):
    import socket

    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for name, said in (("nowhere", "No such file"), ("folder", "is a folder"), ("socket", "neither a file nor")):
            with pytest.raises(InputError, match=said) as caught:
                _gather(tmp_path, ["x"], [name])
            assert name in caught.value.message


def test_a_file_that_may_not_be_read_is_an_input_error(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0)
    if os.access(secret, os.R_OK):
        pytest.skip("this user may read everything")

    with pytest.raises(InputError, match="Permission denied"):
        _gather(tmp_path, ["x"], ["secret"])


def test_a_name_that_no_file_can_have_is_an_input_error(tmp_path):
    with pytest.raises(InputError):
        _gather(tmp_path, ["x"], ["a\0b"])
    with pytest.raises(InputError):
        _gather(tmp_path, ["x"], ["n" * 300])


def test_bytes_that_are_no_utf_8_name_the_file_the_byte_and_the_flag(tmp_path):
    (tmp_path / "old.txt").write_bytes(b"caf\xe9")

    with pytest.raises(InputError, match=r"old\.txt is not UTF-8 \(byte 3\)") as caught:
        _gather(tmp_path, [], ["old.txt"])

    assert "--encoding" in caught.value.hint
    assert "café" in _gather(tmp_path, [], ["old.txt"], encoding="latin-1").text


def test_stdin_that_is_no_utf_8_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"stdin is not UTF-8 \(byte 0\)"):
        _gather(tmp_path, ["x"], [], b"\xff")


def test_an_argument_that_is_no_utf_8_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"an argument is not UTF-8 \(byte 2\)"):
        _gather(tmp_path, ["ab\udcff"])


@pytest.mark.parametrize(("data", "encoding"), [("é\n".encode("utf-8-sig"), "utf-8"), ("é".encode("utf-16"), "utf-16")])
def test_a_byte_order_mark_is_dropped(tmp_path, data, encoding):
    assert _gather(tmp_path, [], [], data, encoding=encoding).text == "é"


def test_utf_16_is_recognised_and_its_flag_named(tmp_path):
    with pytest.raises(InputError) as caught:
        _gather(tmp_path, [], [], "é".encode("utf-16"))

    assert caught.value.hint == "--encoding utf-16"


@pytest.mark.parametrize("encoding", ["klingon", "base64", "", "rot13"])
def test_an_unknown_encoding_is_a_usage_error(tmp_path, encoding):
    with pytest.raises(UsageError, match="no text encoding"):
        _gather(tmp_path, ["x"], encoding=encoding)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a\0b", "holds a NUL"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a PNG image"),
        (b"\xff\xd8\xff\xe0", "a JPEG image"),
        (b"%PDF-1.7\n\xe2\xe3", "a PDF"),
        (b"PK\x03\x04\x14\0", "a zip archive"),
    ],
)
def test_binary_files_and_attachments_are_refused(tmp_path, data, said):
    (tmp_path / "data").write_bytes(data)

    with pytest.raises(InputError, match=said):
        _gather(tmp_path, ["x"], ["data"])


def test_the_size_cap_counts_everything_and_names_the_key(tmp_path):
    (tmp_path / "big").write_bytes(b"x" * 60)

    assert _gather(tmp_path, ["y" * 40], ["big"], max_bytes=100).text
    with pytest.raises(InputError, match=r"big has 60 bytes; at most 100 .*41 are taken") as caught:
        _gather(tmp_path, ["y" * 41], ["big"], max_bytes=100)
    assert "max_input" in caught.value.hint
    with pytest.raises(InputError, match="stdin has 101 bytes"):
        _gather(tmp_path, [], [], b"z" * 101, max_bytes=100)


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path):
    with open(tmp_path / "sparse", "wb") as file:
        file.truncate(1 << 40)

    with pytest.raises(InputError, match="1,099,511,627,776 bytes"):
        _gather(tmp_path, ["x"], ["sparse"])


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no /dev/zero")
def test_a_device_without_end_is_refused_at_the_cap(tmp_path):
    with pytest.raises(InputError, match="/dev/zero is too large"):
        _gather(tmp_path, ["x"], ["/dev/zero"])


def test_a_pipe_is_read_and_makes_the_run_unmemoisable(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    witness = Witness()
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(b"through the pipe\n"))
    writer.start()

    given_ = _gather(tmp_path, [], ["pipe"], witness=witness)
    writer.join()

    assert given_.text == "File: pipe\n```\nthrough the pipe\n```"
    assert (given_.memoisable, witness.files) == (False, {})


def test_a_file_name_cannot_forge_lines(tmp_path):
    (tmp_path / "a\nb").write_text("x")

    assert _gather(tmp_path, [], ["a\nb"]).text.startswith("File: a?b\n")
