"""The inner loops of the matrix products keep their accumulators in registers: read from the machine code.

What this is: the kernels compiled with the build's flags, and a look at them with objdump; a spilled
accumulator is a vector register stored to, or loaded from, the stack inside a loop of multiply-adds.
What it is not: a timing.
"""

import re
import shutil
import subprocess

import pytest
from compiling import ROOT, can_compile, cmake_flags

FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
INSTRUCTION = re.compile(r"^\s+([0-9a-f]+):\s+(\S+)\s*(.*)$")
STACK_VECTOR = re.compile(r"[xyz]mm\d+.*\(%r[sb]p|\(%r[sb]p[^)]*\).*[xyz]mm\d+")
KERNELS = """
#include "simd/vec_{isa}.h"
#include "kernels/gemm/gemm-inl.h"
void* nnf_test_kernels[] = {{
    reinterpret_cast<void*>(&nnf::gemm_micro<float>), reinterpret_cast<void*>(&nnf::gemm_dots<float>)}};
"""


@pytest.fixture(scope="module", params=["avx2", "avx512"])
def kernels(request, compilers, tmp_path_factory):
    """The instruction set, and the kernels' machine code by name: lists of (address, mnemonic, operands)."""
    isa, folder = request.param, tmp_path_factory.mktemp("kernels")
    objdump, flags = shutil.which("objdump"), cmake_flags(request.param)
    if objdump is None or not can_compile(compilers["c++"], flags, folder):
        pytest.skip(f"no objdump, or a compiler that builds nothing for {isa}")
    source, built = folder / "kernels.cpp", folder / "kernels.o"
    source.write_text(KERNELS.format(isa=isa))
    includes = [f"-I{ROOT / 'csrc'}", f"-I{ROOT / 'csrc' / 'include'}"]
    command = [compilers["c++"], "-std=c++17", *flags, "-O3", "-DNDEBUG", "-fPIC", *includes]
    subprocess.run([*command, "-c", str(source), "-o", str(built)], check=True)
    listing = subprocess.run(
        [objdump, "-d", "--no-show-raw-insn", str(built)], capture_output=True, text=True, check=True
    ).stdout
    found, body = {}, None
    for line in listing.splitlines():
        start, step = FUNCTION.match(line), INSTRUCTION.match(line)
        if start:
            body = found.setdefault(start.group(1), [])
        elif step and body is not None:
            body.append((int(step.group(1), 16), step.group(2), step.group(3)))
    return isa, found


def inner_loops(body):
    """Stretches of code that a jump backwards repeats and that hold no other such stretch."""
    index = {address: i for i, (address, _, _) in enumerate(body)}
    loops = []
    for i, (_, mnemonic, operands) in enumerate(body):
        target = re.match(r"([0-9a-f]+)\b", operands)
        if mnemonic.startswith("j") and target:
            first = index.get(int(target.group(1), 16))
            if first is not None and first <= i:
                loops.append((first, i))
    return [
        body[a : b + 1] for a, b in loops if not any((c, d) != (a, b) and a <= c and d <= b for c, d in loops)
    ]


def is_fma(mnemonic):
    return mnemonic.startswith("vfmadd") and mnemonic.endswith(("ps", "pd"))


def test_no_accumulator_leaves_its_register(kernels):
    isa, found = kernels
    register, sizes = {"avx2": "ymm", "avx512": "zmm"}[isa], set()
    for name, body in found.items():
        for loop in inner_loops(body):
            fmas = [operands for _, mnemonic, operands in loop if is_fma(mnemonic)]
            if not any(register in operands for operands in fmas):
                continue
            sizes.add(len(fmas))
            # The code of a tail, which is no loop, may lie between a loop's end and the jump that skips it.
            last = max(i for i, (_, mnemonic, _) in enumerate(loop) if is_fma(mnemonic))
            spilled = [(hex(a), m, ops) for a, m, ops in loop[: last + 1] if STACK_VECTOR.search(ops)]
            assert not spilled, f"{name}: {spilled}"
    # The tiles that carry most of the work are among them: 6 rows of 4 (2) vectors.
    assert max(sizes, default=0) >= {"avx2": 12, "avx512": 24}[isa], sizes
    assert len(sizes) >= 5, f"few loops of multiply-adds were found: has a kernel been renamed? {sizes}"
