"""Makes demo.svg: the screens of a real `papertape demo`, one after the other, as one animated picture.

python docs/pictures/record_demo.py [SECONDS]
"""

import asyncio
import re
import sys
from pathlib import Path

from rich.console import Console

from papertape.core.actions import Demo
from papertape.runtime import demo
from papertape.runtime.live_view import WIDTH, LiveView
from papertape.runtime.shell import Shell

EVERY_S = 1.0
LOOK_S = 0.125
FORMAT = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: {char_height}px;
line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>
<g transform="translate(9, 9)" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g></svg>
"""
frames: list[str] = []


async def watch(view: LiveView, shell: Shell, line_every_s: float = 0.0) -> None:
    """Keep the screen now and then, instead of showing it."""
    now_s, looks = asyncio.get_running_loop().time, 0
    while True:
        view.look(now_s())
        if looks % round(EVERY_S / LOOK_S) == 0:
            console = Console(record=True, width=WIDTH, file=open("/dev/null", "w"), force_terminal=True)  # noqa: ASYNC230, PTH123
            console.print(view.panel())
            frames.append(console.export_svg(title="", code_format=FORMAT, unique_id=f"f{len(frames)}"))
        looks += 1
        await asyncio.sleep(LOOK_S)


def picture() -> str:
    """All frames in one picture, each shown for its time, again and again."""
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', frames[-1])
    assert size is not None
    width, height = size.groups()
    total_s = len(frames) * EVERY_S
    parts = [f'<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">']
    parts.append(f'<rect width="{width}" height="{height}" rx="8" fill="#14181f"/>')
    for number, frame in enumerate(frames):
        start, end = number / len(frames), (number + 1) / len(frames)
        shown = f'<animate attributeName="opacity" values="0;1;1;0" keyTimes="0;{start:.4f};{end:.4f};1"'
        if number == 0:
            shown = f'<animate attributeName="opacity" values="1;0" keyTimes="0;{end:.4f}"'
        elif number + 1 == len(frames):
            shown = f'<animate attributeName="opacity" values="0;1" keyTimes="0;{start:.4f}"'
        else:
            shown = f'<animate attributeName="opacity" values="0;1;0" keyTimes="0;{start:.4f};{end:.4f}"'
        still = 1 if number + 1 == len(frames) else 0
        animation = f'{shown} calcMode="discrete" dur="{total_s}s" repeatCount="indefinite"/>'
        parts.append(f'<g opacity="{still}">{animation}{frame}</g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    demo.watch = watch
    outcome = demo.run(Demo(seconds=float(sys.argv[1]) if len(sys.argv) > 1 else 20.0), Shell())
    assert outcome.response.same
    (Path(__file__).parent / "demo.svg").write_text(picture(), encoding="utf-8")
    sys.stdout.write(f"{len(frames)} frames\n")
