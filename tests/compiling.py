"""Compiling pieces of the core as the build does: its flags, and whether a compiler takes them."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def cmake_flags(isa):
    """The flags CMakeLists.txt builds that set's objects with: their own, and those every target gets."""
    text = re.sub(r"#[^\n]*", "", (ROOT / "CMakeLists.txt").read_text())

    def arguments(pattern, required=True):
        match = re.search(pattern, text)
        assert match or not required, f"CMakeLists.txt: {pattern} was not found"
        return match.group(1).split() if match else []

    everywhere = arguments(r"target_compile_options\(nnfast_options INTERFACE\s+([^)]*)\)")
    own = arguments(rf"set\(NNFAST_FLAGS_{isa}\s+([^)]*)\)", required=isa in ("avx2", "avx512"))
    objects = arguments(r"target_compile_options\(\$\{object\} PRIVATE \$\{NNFAST_FLAGS_\$\{isa\}\}([^)]*)\)")
    assert "-fno-exceptions" in objects
    assert "-fno-lto" in objects
    return [*everywhere, *own, *objects]


def part_definitions(isa, dtype):
    """What a part of the kernels' tables (csrc/kernels/isa/*.cpp) is told: see part.h there."""
    suffix = {"float": "f32", "double": "f64"}[dtype]
    return [
        f"-DNNF_ISA={isa}",
        f'-DNNF_VEC="simd/vec_{isa}.h"',
        f"-DNNF_DTYPE={dtype}",
        f"-DNNF_SUFFIX={suffix}",
    ]


def can_compile(compiler, flags, folder):
    probe = folder / "probe.cpp"
    probe.write_text("int probe() { return 0; }\n")
    command = [compiler, *flags, "-c", str(probe), "-o", str(folder / "probe.o")]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
