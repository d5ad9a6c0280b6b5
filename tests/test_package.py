"""The package itself: its names, a light import, versions, and a source checkout that is not installed."""

import shutil
from pathlib import Path

import pytest

import nnfast as nf
from nnfast import _core


def test_public_names_exist_once():
    assert len(set(nf.__all__)) == len(nf.__all__)
    for name in nf.__all__:
        assert getattr(nf, name) is not None
    assert set(nf.__all__) <= set(dir(nf))
    with pytest.raises(AttributeError, match="no attribute 'Transformer'"):
        _ = nf.Transformer


def test_import_is_light(run_python):
    code = (
        "import sys, nnfast; heavy = {'matplotlib', 'sklearn', 'scipy', 'tqdm', 'torch', 'pandas', 'gzip', "
        "'nnfast.plot', 'nnfast.datasets', 'nnfast.reference', 'nnfast.demo'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    run_python(code)


def test_versions_agree():
    assert _core.__version__ == nf.__version__
    project = Path(__file__).parent.parent / "pyproject.toml"
    assert f'version = "{nf.__version__}"' in project.read_text()


def test_header_and_library_are_where_they_are_said_to_be():
    assert "nnf_matmul" in (Path(nf.get_include()) / "nnfast" / "nnfast.h").read_text()
    assert any(Path(nf.get_library_dir()).glob("libnnfast*"))


def test_a_source_checkout_without_the_compiled_module_says_so(run_python, tmp_path):
    """Only the sources are on the path: the message says what to do."""
    source = Path(nf.__file__).parent
    ignore = shutil.ignore_patterns("_core*.so", "_core*.pyd", "lib*", "__pycache__")
    shutil.copytree(source, tmp_path / "nnfast", ignore=ignore)
    code = (
        "import sys; sys.path = [p for p in sys.path if 'site-packages' not in p]; sys.path.insert(0, {!r})\n"
    )
    code = code.format(str(tmp_path)) + "import nnfast"
    result = run_python(code, env={"PYTHONPATH": None}, check=False)
    assert "ImportError: nnfast: the compiled module nnfast._core was not found" in result.stderr
    assert "pip install ." in result.stderr


def test_a_compiled_module_of_another_version_is_refused(run_python, tmp_path):
    shutil.copytree(
        Path(nf.__file__).parent, tmp_path / "nnfast", ignore=shutil.ignore_patterns("__pycache__", "_core*")
    )
    (tmp_path / "nnfast" / "_core.py").write_text("__version__ = '0.0.7'\n")
    result = run_python(f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nimport nnfast", check=False)
    assert "is version 0.0.7" in result.stderr and f"are version {nf.__version__}" in result.stderr
