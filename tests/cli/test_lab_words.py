"""What `nodens lab` says of words that it cannot read: in our grammar, naming what was expected; exit code 2."""

from __future__ import annotations

import pytest

from nodens.cli import lab


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(
            "up --proxy ipvs",
            "argument --proxy: `ipvs` is not a mode of the lab's kube-proxy; expected one of: iptables, nftables",
            id="a mode of another world",
        ),
        pytest.param("verify --proxy x", "`x` is not a mode of the lab's kube-proxy", id="verify"),
        pytest.param("figures --proxy x", "`x` is not a mode of the lab's kube-proxy", id="figures"),
        pytest.param("step abc", "`abc` is not a step; expected 1 to 27, or such as 3-5", id="a word for a step"),
        pytest.param("step 28", "`28` is not a step; expected 1 to 27", id="past the last step"),
        pytest.param("step 0", "`0` is not a step", id="before the first step"),
        pytest.param("step 5-3", "`5-3` is not a step", id="a range that runs backwards"),
        pytest.param("step 3-", "`3-` is not a step", id="half a range"),
        pytest.param("step 1-2-3", "`1-2-3` is not a step", id="a range too many"),
        pytest.param("rollout undo ds/x", "`undo` is not known here; expected one of: status, restart", id="rollout"),
        pytest.param("load --rate fast", "`fast` is not a whole number; expected such as 40", id="a rate"),
        pytest.param("load --for ever", "`ever` is not a number of seconds; expected such as 2 or 0.5", id="a time"),
        pytest.param("kill k01-worker --hold x", "`x` is not a number of seconds", id="a hold"),
        pytest.param("logs --tail all", "`all` is not a whole number", id="a tail"),
    ],
)
def test_what_cannot_be_read_is_told_with_what_was_expected(
    words: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        lab.main(words.split())
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert says in told
    assert "invalid" not in told
    assert "ProxyMode" not in told
