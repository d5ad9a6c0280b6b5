"""The rules of ARCHITECTURE.md that can be read from the sources and the objects.

Directions of dependence; what the files of the instruction sets may contain; what their objects export.
"""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from compiling import can_compile, cmake_flags, part_definitions

ROOT = Path(__file__).resolve().parent.parent
CSRC = ROOT / "csrc"
PACKAGE = ROOT / "nnfast"

# Each may include itself and what stands before it. nnfast/nnfast.h holds the public types, for all of them
# but base, simd and the instruction sets' files; of system headers the latter may include only these two.
LAYERS = ["base", "simd", "kernels", "engine", "capi", "bindings"]
HEADERS_OF_ISA_FILES = {"immintrin.h", "arm_neon.h"}

PROJECT_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
SYSTEM_INCLUDE = re.compile(r"^\s*#\s*include\s+<([^>]+)>", re.MULTILINE)
INTEGER_TYPES = re.compile(r"std::(u?int\d+_t|u?intptr_t|size_t|ptrdiff_t)\b")


def sources(folder=CSRC, suffixes=(".h", ".cpp")):
    found = sorted(path for path in folder.rglob("*") if path.suffix in suffixes)
    assert found
    return found


def without_comments(text):
    """The code alone: comments and the contents of strings removed, lines kept."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)

    def replace(match):
        token = match.group()
        return '""' if token.startswith('"') else "\n" * token.count("\n")

    # Not the names of included files, which are written like strings.
    lines = (line if line.lstrip().startswith("#include") else None for line in text.splitlines())
    return "\n".join(
        kept if kept is not None else code
        for kept, code in zip(lines, pattern.sub(replace, text).splitlines(), strict=True)
    )


def isa_files():
    """What is compiled once an instruction set: the back ends, the -inl.h files, the contracts, isa/."""
    kernels = CSRC / "kernels"
    found = {*sources(CSRC / "simd"), *sources(kernels / "isa"), *kernels.rglob("*-inl.h")}
    # And all they include, which is part of those objects too.
    waiting = list(found)
    while waiting:
        for name in PROJECT_INCLUDE.findall(waiting.pop().read_text()):
            header = CSRC / name
            if header.exists() and header not in found:
                found.add(header)
                waiting.append(header)
    return sorted(found)


# ---------------------------------------------------------------- directions


def test_includes_point_one_way():
    for path in sources():
        layer = path.relative_to(CSRC).parts[0]
        for name in PROJECT_INCLUDE.findall(path.read_text()):
            if layer == "include":
                assert name.startswith("nnfast/"), (
                    f"{path}: the public headers stand alone, but it includes {name}"
                )
                continue
            if name == "nnfast/nnfast.h":
                assert layer not in ("base", "simd"), path
                continue
            target = name.split("/")[0]
            assert target in LAYERS, f"{path} includes {name}: name the file from csrc on"
            assert (CSRC / name).exists(), f"{path} includes {name}, which does not exist"
            assert LAYERS.index(target) <= LAYERS.index(layer), f"{path} ({layer}) includes {name}"


def test_only_the_bindings_know_python():
    for path in sources():
        if path.relative_to(CSRC).parts[0] == "bindings":
            continue
        for name in SYSTEM_INCLUDE.findall(path.read_text()):
            assert not name.startswith(("Python.h", "pybind11", "numpy")), f"{path} includes {name}"


def imports(path):
    """(package, at module level?) of each import statement; "." for the package's own by relative name."""
    tree = ast.parse(path.read_text())
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        or (isinstance(function, ast.If) and ast.unparse(function.test) == "TYPE_CHECKING")
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = ["." if node.level else node.module]
        else:
            continue
        for name in names:
            yield name, id(node) not in inside


def test_package_imports():
    """Only the declared dependences when it is imported; extras inside the functions that need them."""
    needed = {*sys.stdlib_module_names, "numpy", "safetensors", "tqdm", "nnfast", "."}
    extras = {"gymnasium", "matplotlib", "scipy", "sklearn"}
    for path in sources(PACKAGE, (".py",)):
        # Of all packages this one is imported for its extra alone.
        own = {"sklearn", "scipy"} if path.parent == PACKAGE / "sklearn" else set()
        for name, at_import in imports(path):
            package = name.split(".")[0] or "."
            assert package in needed | own | (set() if at_import else extras), f"{path} imports {name}"


def test_reference_imports_only_numpy():
    for path in sources(PACKAGE / "reference", (".py",)):
        for name, _ in imports(path):
            inside = name == "." or (name + ".").startswith("nnfast.reference.")
            assert inside or name.split(".")[0] in {*sys.stdlib_module_names, "numpy"}, f"{path}: {name}"
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                depth = len(path.relative_to(PACKAGE / "reference").parts)
                assert node.level <= depth, f"{path}: a relative import leaves the reference"


# ---------------------------------------------------------------- sources of the instruction sets


def test_isa_sources_use_no_library():
    """No std:: template and no library header: the linker might keep an AVX-512 copy of what others share."""
    for path in isa_files():
        code = without_comments(path.read_text())
        used = re.findall(r"std::\w+", INTEGER_TYPES.sub("", code))
        assert not used, f"{path} uses {used}"
        headers = set(SYSTEM_INCLUDE.findall(code)) - HEADERS_OF_ISA_FILES
        if path == CSRC / "base" / "types.h":
            headers -= {"cstdint", "cstddef"}
        assert not headers, f"{path} includes {headers}"
        assert "nnfast/nnfast.h" not in code, path


def test_isa_functions_are_anonymous():
    """Code of -inl.h and simd files stands in anonymous namespaces, without static state and exceptions."""
    for path in isa_files():
        code = without_comments(path.read_text())
        assert not re.search(r"\b(throw|try|catch|thread_local|new|delete)\b", code), path
        if path.name.endswith("-inl.h") or path.parent == CSRC / "simd":
            assert re.search(r"namespace nnf \{\s*namespace \{", code), f"{path}: no anonymous namespace"
            # A variable: nothing in parentheses before its value or end. Member functions may be static.
            state = re.search(r"\bstatic\s+(?!constexpr\b)[^;(){}]*[;=]", code)
            assert state is None, f"{path}: static state: {state and state.group()}"


def parts():
    return sorted((CSRC / "kernels" / "isa").glob("*.cpp"))


def test_parts_of_the_tables_are_alike():
    """Each file of kernels/isa is the part of its name, for whatever instruction set it is compiled for."""
    listed = re.findall(r"P\((\w+)Part, (\w+), ", (CSRC / "kernels" / "registry.h").read_text())
    assert {path.stem for path in parts()} == {name for _, name in listed}
    for path in parts():
        text = path.read_text()
        includes = PROJECT_INCLUDE.findall(text)
        assert includes[0] == "kernels/isa/part.h", path
        assert all(name.endswith("-inl.h") for name in includes[1:]), path
        assert f"NNF_PART({path.stem.capitalize()}Part, {path.stem}) = " in text, path
    for line in (CSRC / "kernels" / "dispatch.cpp").read_text().splitlines():
        isa = re.match(r"NNF_ISA_TABLES\((\w+)\)", line)
        assert isa is None or (CSRC / "simd" / f"vec_{isa.group(1)}.h").exists()


# ---------------------------------------------------------------- objects of the instruction sets


# Those of vectors take minutes to compile; what could be shared is written once for all of them.
@pytest.mark.parametrize(
    "isa", ["scalar", "neon", *(pytest.param(isa, marks=pytest.mark.slow) for isa in ("avx2", "avx512"))]
)
@pytest.mark.parametrize("dtype", ["float", "double"])
@pytest.mark.parametrize("part", [path.stem for path in parts()])
def test_isa_objects_export_one_table(part, dtype, isa, compilers, tmp_path):
    nm = shutil.which("nm")
    if nm is None:
        pytest.skip("no nm")
    compiler = compilers["c++"]
    machine = subprocess.run(
        [compiler, "-dumpmachine"], capture_output=True, text=True, check=True
    ).stdout.split("-")[0]
    targets = {"neon": ("aarch64", "arm64"), "scalar": (machine,)}.get(isa, ("x86_64",))
    flags = cmake_flags(isa)
    if machine not in targets or not can_compile(compiler, flags, tmp_path):
        pytest.skip(f"the compiler builds nothing for {isa} ({machine})")
    compiled = tmp_path / f"{part}.o"
    # -O1 and not -O3: less is inlined, so what would be shared shows.
    command = [compiler, "-std=c++17", *flags, *part_definitions(isa, dtype), "-O1", "-fPIC"]
    command += ["-fvisibility=hidden", f"-I{CSRC}", f"-I{CSRC / 'include'}"]
    command += ["-c", str(CSRC / f"kernels/isa/{part}.cpp")]
    subprocess.run([*command, "-o", str(compiled)], check=True)
    listing = subprocess.run([nm, str(compiled)], capture_output=True, text=True, check=True).stdout
    symbols = [line.split()[-2:] for line in listing.splitlines()]
    weak = [name for kind, name in symbols if kind in "WwVvu"]
    assert not weak, f"shared between objects: {weak}"
    exported = [name for kind, name in symbols if kind.isupper() and kind != "U"]
    suffix = {"float": "f32", "double": "f64"}[dtype]
    assert exported == [f"nnf_{part}_{suffix}_{isa}"]
    variables = [name for kind, name in symbols if kind in "bBcC"]
    assert not variables, f"state: {variables}"
    # What is left to others: memory functions the compiler itself may call, and nothing of the C++ library.
    wanted = {name for kind, name in symbols if kind == "U"} - {"_GLOBAL_OFFSET_TABLE_"}
    mathematics = {"fma", "fmaf", "rint", "rintf", "nearbyint", "nearbyintf", "sqrt", "sqrtf"}
    assert wanted <= {"memcpy", "memset", "memmove", "__stack_chk_fail"} | mathematics, wanted


# ---------------------------------------------------------------- the C header


@pytest.mark.parametrize("standard", ["c99", "c11", "c++11", "c++17"])
def test_header_stands_alone(standard, compilers, tmp_path):
    c = not standard.startswith("c++")
    source = tmp_path / ("use.c" if c else "use.cpp")
    source.write_text(
        "#include <nnfast/nnfast.h>\nint use(void) { return nnf_abi_version() == NNF_ABI_VERSION; }\n"
    )
    command = [compilers["c" if c else "c++"], f"-std={standard}", "-Wall", "-Wextra", "-pedantic", "-Werror"]
    if c:
        command.append("-Wstrict-prototypes")
    command += [f"-I{CSRC / 'include'}", "-c", str(source), "-o", str(tmp_path / "use.o")]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr


def test_files_are_short_and_say_what_they_are():
    folders = [PACKAGE, ROOT / "tests", ROOT / "benchmarks"]
    paths = [*sources(), *(path for folder in folders for path in sources(folder, (".py", ".pyx", ".cpp")))]
    texts = {path.relative_to(ROOT): path.read_text() for path in paths}
    long = {str(path): count for path, text in texts.items() if (count := len(text.splitlines())) > 600}
    assert not long, f"more than 600 lines, split by topic: {long}"
    heads = ("//", "/*", '"""', 'r"""', "# cython:")
    headless = [str(path) for path, text in texts.items() if not text.startswith(heads)]
    assert not headless, f"no head comment: {headless}"
