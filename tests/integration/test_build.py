# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""What the build promises whoever packages or installs it: DESTDIR, files in
their places, nothing of the user's overwritten, every missing library named
at once, a tarball that needs no autotools."""
import os
import pathlib
import re
import subprocess
import tarfile

import pytest

SRC = pathlib.Path(os.environ["PENSTOCK_SRC"])
BUILD = pathlib.Path(os.environ["PENSTOCK_BUILD"])
LONG = os.environ.get("PENSTOCK_LONG") == "1"


def run(*argv, cwd=BUILD, env=None, ok=True):
    """Run argv apart from the make that runs us; return its output."""
    clean = {k: v for k, v in os.environ.items()
             if not k.startswith(("MAKE", "MFLAGS", "PENSTOCK_"))}
    clean.update(env or {})
    proc = subprocess.run([str(a) for a in argv], cwd=cwd, env=clean,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=900)
    if ok:
        assert proc.returncode == 0, proc.stdout[-4000:]
    else:
        assert proc.returncode != 0, proc.stdout[-4000:]
    return proc.stdout


def variable(name):
    """A directory of the configured build."""
    text = (BUILD / "Makefile").read_text()
    values = dict(re.findall(r"^(\w+) = (.*)$", text, re.M))
    value = values[name]
    while "$" in value:
        value = re.sub(r"\$[({](\w+)[)}]", lambda m: values[m[1]], value)
    return value.lstrip("/")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    place = tmp_path_factory.mktemp("root")
    run("make", "install", f"DESTDIR={place}")
    return place


def test_installed_files(root):
    lib, data = root / variable("libdir"), root / variable("datadir")
    assert os.access(root / variable("bindir") / "penstock", os.X_OK)
    assert (root / variable("includedir") / "penstock/plugin.h").is_file()
    assert (lib / "pkgconfig/penstock.pc").is_file()
    assert (data / "penstock/sdk/penstock.map").is_file()
    for plugin in (SRC / "plugins").glob("*/*.c"):
        assert (lib / "penstock/plugins" /
                f"{plugin.parent.name}.so").is_file()
    for policy in (SRC / "policies").glob("*.lua"):
        there = (data / "penstock/policies" / policy.name).is_file()
        assert there != policy.name.endswith("_test.lua")
    for page in (SRC / "docs/man").glob("*.[58]"):
        assert (root / variable("mandir") / f"man{page.suffix[1:]}" /
                page.name).is_file()
    assert (root / variable("sysconfdir") / "penstock/policies").is_dir()


def test_a_plugin_exports_one_symbol(root):
    for plugin in (root / variable("libdir")).glob("penstock/plugins/*.so"):
        names = [line.split()[-1] for line in
                 run("nm", "-D", "--defined-only", plugin).splitlines()]
        assert names == ["ps_plugin_v0"], plugin.name


def test_nothing_edited_is_overwritten(tmp_path):
    run("make", "install", f"DESTDIR={tmp_path}")
    etc = tmp_path / variable("sysconfdir") / "penstock"
    conf, mine = etc / "penstock.conf", etc / "policies/auth.lua"
    shipped = conf.read_text()
    conf.write_text("-- mine\n")
    mine.write_text("-- mine\n")

    run("make", "install", f"DESTDIR={tmp_path}")
    assert conf.read_text() == "-- mine\n"
    assert mine.read_text() == "-- mine\n"
    assert sorted(p.name for p in etc.rglob("*")) == [
        "auth.lua", "penstock.conf", "policies"]

    run("make", "uninstall", f"DESTDIR={tmp_path}")
    assert conf.read_text() == "-- mine\n"
    assert mine.read_text() == "-- mine\n"
    assert not list(tmp_path.rglob("*.so"))

    conf.write_text(shipped)            # nobody's edit: goes with the rest
    mine.unlink()
    run("make", "uninstall", f"DESTDIR={tmp_path}")
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_configuration_that_is_a_dangling_link_is_kept(tmp_path):
    etc = tmp_path / variable("sysconfdir") / "penstock"
    etc.mkdir(parents=True)
    (etc / "penstock.conf").symlink_to("/nowhere/penstock.conf")
    run("make", "install", f"DESTDIR={tmp_path}")
    assert os.readlink(etc / "penstock.conf") == "/nowhere/penstock.conf"


def test_pc_file_builds_a_plugin(root, tmp_path):
    pc = root / variable("libdir") / "pkgconfig"
    env = {"PKG_CONFIG_PATH": str(pc), "PKG_CONFIG_SYSROOT_DIR": str(root)}
    words = []
    for what in ("--cflags", "--variable=plugin_cflags",
                 "--variable=plugin_ldflags"):
        words += run("pkg-config", what, "penstock", env=env).split()
    words = [w.replace("--version-script=/", f"--version-script={root}/")
             if str(root) not in w else w for w in words]
    (tmp_path / "one.c").write_text(
        '#include <penstock/plugin.h>\n'
        'static const ps_provider ops = { .size = sizeof ops };\n'
        'PS_PLUGIN(PS_PROVIDER, "one", "1.0", &ops);\n')
    run("cc", "-std=c11", "one.c", "-o", "one.so", *words, cwd=tmp_path)
    names = run("nm", "-D", "--defined-only", tmp_path / "one.so")
    assert names.split()[2::3] == ["ps_plugin_v0"]


def test_missing_libraries_are_named_together(tmp_path):
    out = run(SRC / "configure", cwd=tmp_path, ok=False,
              env={"PKG_CONFIG_LIBDIR": "/nowhere", "PKG_CONFIG_PATH": ""})
    error = out[out.index("error: these libraries are missing"):]
    for package in ("libevent-dev", "libcurl4-openssl-dev", "libjansson-dev",
                    "libssl-dev", "liblua5.4-dev"):
        assert package in error


def test_unit_file_names_what_is_installed(root):
    prefix = root / variable("prefix")
    unit = (prefix / "lib/systemd/system/penstock.service").read_text()
    assert "@" not in re.sub(r"@system-service", "", unit)
    binary = re.search(r"^ExecStart=(\S+)", unit, re.M)[1]
    assert os.access(root / binary.lstrip("/"), os.X_OK)
    conf = re.search(r"-c (\S+)", unit)[1]
    assert (root / conf.lstrip("/")).is_file()
    assert (prefix / "lib/systemd/system/penstock.socket").is_file()
    assert (prefix / "lib/sysusers.d/penstock.conf").is_file()


@pytest.fixture(scope="module")
def tarball(tmp_path_factory):
    """The unpacked tarball, the names of its files, and an environment
    without autotools."""
    place = tmp_path_factory.mktemp("dist")
    run("make", "dist", f"distdir=penstock-story")
    archive = BUILD / "penstock-story.tar.gz"
    with tarfile.open(archive) as tar:
        names = {m.name.partition("/")[2] for m in tar if m.isfile()}
        tar.extractall(place)
    archive.unlink()
    stubs = place / "stubs"
    stubs.mkdir()
    for tool in ("autoconf", "autoheader", "automake", "aclocal",
                 "autoreconf", "autom4te"):
        (stubs / tool).write_text("#!/bin/sh\nexit 99\n")
        (stubs / tool).chmod(0o755)
    return place / "penstock-story", names, {
        "PATH": f"{stubs}:{os.environ['PATH']}"}


@pytest.mark.skipif(not LONG, reason="PENSTOCK_LONG=1")
def test_tarball_builds_without_autotools(tarball, tmp_path):
    source, _, env = tarball
    run("./configure", "-q", f"--prefix={tmp_path}", cwd=source, env=env)
    run("make", "-j2", cwd=source, env=env)
    run("make", "install", cwd=source, env=env)
    out = run(tmp_path / "bin/penstock", "version")
    assert re.search(r"\d+\.\d+\.\d+", out)
    run(tmp_path / "bin/penstock", "check",
        tmp_path / "etc/penstock/penstock.conf")


@pytest.mark.skipif(not LONG, reason="PENSTOCK_LONG=1")
def test_tarball_holds_what_git_holds(tarball):
    if not (SRC / ".git").exists():
        pytest.skip("not a checkout")
    _, names, _ = tarball
    tracked = run("git", "ls-files", cwd=SRC).splitlines()
    assert [f for f in tracked if (SRC / f).exists() and
            f not in names] == []
    assert [f for f in names
            if f.endswith((".o", ".a", ".so", ".pyc"))] == []


@pytest.mark.skipif(not LONG, reason="PENSTOCK_LONG=1")
@pytest.mark.parametrize("flag", ["--enable-werror", "--enable-sanitizers",
                                  "--enable-coverage"])
def test_switches_build(tmp_path, flag):
    run(SRC / "configure", "-q", flag, cwd=tmp_path)
    run("make", "-j2", cwd=tmp_path)
    run(tmp_path / "core/penstock", "version")
