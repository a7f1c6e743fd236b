"""What a line of shell runs."""

from __future__ import annotations

import pytest
from doc_shell import commands_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("make run  # builds", ["make run"], id="a comment"),
        pytest.param("a b | c -d && e; f", ["a b", "c -d", "e", "f"], id="operators"),
        pytest.param("nodens check \\\n    Corefile\n", ["nodens check Corefile"], id="a line that goes on"),
        pytest.param("export A=1 B=2\nA=1 b c", ["b c"], id="assignments"),
        pytest.param("x=$(kubectl get svc a -o jsonpath={.b})", ["kubectl get svc a -o jsonpath={.b}"], id="a value"),
        pytest.param('a "$(b $(c d))" e', ["c d", "b $VALUE", "a $VALUE e"], id="values in values"),
        pytest.param("a '$(b)'", ["a $(b)"], id="single quotes hide a value"),
        pytest.param("a > out.txt 2>&1", ["a"], id="redirections"),
        pytest.param("for n in 1 2; do a $n; done", ["a $n"], id="a loop"),
        pytest.param("if ! a; then b; fi", ["a", "b"], id="a condition"),
        pytest.param("cat <<'END' | a -\nnot a command\nEND\nb", ["cat", "a -", "b"], id="a here document"),
        pytest.param("a 'one\ntwo' b", ["a one\ntwo b"], id="a quote over two lines"),
    ],
)
def test_a_text_is_taken_apart(text: str, expected: list[str]) -> None:
    assert [" ".join(command.words) for command in commands_of(text)] == expected


def test_what_a_command_writes_is_known() -> None:
    assert next(commands_of("nodens manifests > all.yaml")).writes == ("all.yaml",)


@pytest.mark.parametrize("text", ["a 'b", "a $(b"])
def test_what_is_not_closed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"open|closed"):
        list(commands_of(text))
