"""`papertape verify`: a tape from end to end."""

from pathlib import Path

from papertape.core.actions import Verify, VerifyFinding, VerifyResult
from papertape.runtime.outcome import Outcome
from papertape.runtime.shell import Shell
from papertape.tape.verify import verify_tape


def run(request: Verify, shell: Shell) -> Outcome[VerifyResult]:
    """Handle a `Verify` request; findings end with exit code 1."""
    report = verify_tape(Path(request.tape))
    findings = [
        VerifyFinding(
            code=one.code,
            segment=one.segment,
            offset=one.offset,
            seq=one.seq if one.seq >= 0 else None,
            detail=one.detail,
        )
        for one in report.findings
    ]
    result = VerifyResult(
        ok=report.ok,
        segments=report.segments,
        blocks=report.blocks,
        records=report.records,
        first_seq=report.first_seq if report.records else None,
        last_seq=report.last_seq if report.records else None,
        sealed=report.sealed,
        uncommitted_bytes=report.uncommitted_bytes,
        runs=report.runs,
        findings=findings,
    )
    if report.ok:
        return Outcome(result)
    first = findings[0]
    return Outcome(result, 1, f"{request.tape}: {first.segment} at byte {first.offset}: {first.code}: {first.detail}")
