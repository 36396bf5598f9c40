"""The systemd unit, the man pages and the shells' completions, as far as they can be judged without a running systemd."""
import os
import re
import shutil
import subprocess

import pytest

from support.larder import REPOSITORY, binary, run
from support.scripted_origin import reply

UNIT = os.path.join(REPOSITORY, "config/systemd/larder.service")
PAGE = os.path.join(REPOSITORY, "config/man/larder.8")
COMPLETIONS = os.path.join(REPOSITORY, "config/completions")


def needs(program):
    return pytest.mark.skipif(not shutil.which(program), reason=f"{program} is not installed")


def commands():
    """What `larder --help` lists."""
    text = subprocess.run([binary(), "--help"], capture_output=True, text=True).stdout
    return re.findall(r"^  ([a-z]+) ", text[text.index("Subcommands:") :], re.M)


@needs("systemd-analyze")
def test_the_unit_is_hardened():
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", UNIT],
        capture_output=True,
        text=True,
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr


@needs("systemd-analyze")
def test_systemd_understands_every_line_of_the_unit(tmp_path):
    """The binary is where the package puts it, which this machine does not have."""
    with open(UNIT) as unit:
        text = unit.read().replace("/usr/bin/larder", binary())
    copy = tmp_path / "larder.service"
    copy.write_text("\n".join(line for line in text.splitlines() if not line.startswith("Documentation")))
    seen = subprocess.run(["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True)
    assert "larder.service" not in seen.stdout + seen.stderr


def test_the_unit_uses_what_larder_offers():
    with open(UNIT) as unit:
        lines = unit.read().splitlines()
    for line in ("Type=notify", "StateDirectory=larder", "WatchdogSec=60s"):
        assert line in lines
    assert len([line for line in lines if line.startswith("ExecReload=")]) == 2


def test_the_packaged_configuration_caches_what_headers_allow(start_larder, origin):
    """As its comment says. A file without routes would pass everything."""
    origin.on("GET /articles/42", reply(fields={"Cache-Control": "max-age=60"}, body=b"42"))
    origin.on("GET /articles/7", reply(body=b"7"))
    origin.on("PATCH /articles/42", reply(body=b"{}"))
    with open(os.path.join(REPOSITORY, "config/debian/larder.yaml")) as file:
        text = file.read().replace("127.0.0.1:8080", "<listen>").replace("127.0.0.1:9180", "<admin>")
    larder = start_larder(text, env={"ORIGIN_URL": origin.url})
    checked = run("check", "-c", larder.config_file)
    assert "0 errors, 0 warnings" in checked.stdout
    assert [larder.get("/articles/42").x_cache for _ in range(2)] == ["MISS", "HIT"]
    assert "detail=no-lifetime" in larder.get("/articles/7").cache_status
    larder.request("PATCH", "/articles/42", body={})
    assert larder.get("/articles/42").x_cache == "MISS"


def test_each_command_has_its_place_in_the_man_page_and_in_every_completion():
    with open(PAGE) as page:
        text = page.read()
    for command in commands():
        assert re.search(rf"^\.B {command}$", text, re.M), command
        for name in os.listdir(COMPLETIONS):
            with open(os.path.join(COMPLETIONS, name)) as completion:
                assert re.search(rf"\b{command}\b", completion.read()), f"{name} lacks {command}"


@needs("man")
@pytest.mark.parametrize("page", ["larder.8", "larder.yaml.5"])
def test_man_pages_are_free_of_warnings(page, tmp_path):
    path = tmp_path / page
    if page == "larder.8":
        shutil.copy(PAGE, path)
    else:
        made = subprocess.run(
            ["/usr/bin/python3", "scripts/lib/reference_page.py", "config/larder.yaml"],
            cwd=REPOSITORY,
            capture_output=True,
            check=True,
        )
        path.write_bytes(made.stdout)
    shown = subprocess.run(
        ["man", "--warnings", "-l", str(path)],
        capture_output=True,
        text=True,
        env={**os.environ, "MANWIDTH": "120", "LC_ALL": "C.UTF-8"},
    )
    assert shown.returncode == 0 and shown.stderr == ""
    assert "LARDER" in shown.stdout
    if page == "larder.yaml.5":
        assert "trusted_proxies: []" in shown.stdout and "${STATE_DIRECTORY:-off}" in shown.stdout


def options(command):
    """How a user types them: the short form where there is one. --help goes without saying."""
    text = subprocess.run([binary(), command, "--help"], capture_output=True, text=True).stdout
    forms = re.findall(r"^  (-\S+)", text[text.index("Options:") :], re.M)
    return {form.split(",")[0].split("=")[0] for form in forms} - {"-h"}


def test_each_option_has_its_place_in_the_man_page_and_in_every_completion():
    with open(PAGE) as page:
        page_text = page.read().replace("\\-", "-")
    files = {}
    for name in os.listdir(COMPLETIONS):
        with open(os.path.join(COMPLETIONS, name)) as lines:
            files[name] = lines.read()
    zsh_admin = re.search(r"^  admin=.*$", files["_larder"], re.M)[0]
    for command in commands():
        name = "larder" if command == "serve" else f'"larder {command}"'
        synopsis = re.search(rf"^\.SY {name}\n(.*?)^\.YS", page_text, re.M | re.S)[1]
        bash = re.search(rf'^        {command}\) options="(.*)"', files["larder.bash"], re.M)[1]
        found = re.search(rf"^    {command}\)(.*?);;", files["_larder"], re.M | re.S)
        zsh = found[1] if found else ""
        zsh += zsh_admin if "$admin" in zsh else ""
        fish = [row for row in files["larder.fish"].splitlines() if re.search(rf"from [^\"]*\b{command}\b", row)]
        for option in options(command):
            flag = f"-l {option[2:]} " if option.startswith("--") else f"-s {option[1:]} "
            assert option in synopsis, f"{option} in the man page's synopsis of {command}"
            assert option in bash.split(), f"{option} in bash's {command}"
            assert option in zsh, f"{option} in zsh's {command}"
            assert any(flag in row for row in fish), f"{option} in fish's {command}"


@needs("bash")
def test_bash_completes_commands_and_options():
    def completed(line):
        script = f"""
            _init_completion() {{ words=($COMP_LINE); [ "${{COMP_LINE: -1}}" = " " ] && words+=(""); cword=$((${{#words[@]}} - 1))
                cur=${{words[cword]}}; prev=${{words[cword - 1]}}; }}
            _filedir() {{ :; }}
            . {COMPLETIONS}/larder.bash
            COMP_LINE={line!r}; _larder; printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout.split()

    assert set(commands()) <= set(completed("larder "))
    assert completed("larder pu") == ["purge"]
    assert "--soft" in completed("larder purge --")
    assert completed("larder explain P") == ["POST", "PUT", "PATCH"]


@needs("zsh")
def test_zsh_can_read_its_completion():
    subprocess.run(["zsh", "-n", f"{COMPLETIONS}/_larder"], check=True)


@needs("fish")
def test_fish_completes_commands_and_options():
    def completed(line):
        script = f"source {COMPLETIONS}/larder.fish; complete -C '{line}'"
        shown = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, check=True)
        assert shown.stderr == ""
        return {row.split("\t")[0] for row in shown.stdout.splitlines()}

    assert set(commands()) <= completed("larder ")
    assert {"--soft", "--tag"} <= completed("larder purge --")


def test_the_reference_lists_every_key_that_larder_accepts():
    if "schema" not in commands():
        pytest.skip("this larder prints no schema")
    schema = subprocess.run([binary(), "schema"], capture_output=True, text=True, check=True).stdout
    made = subprocess.run(
        ["/usr/bin/python3", "scripts/lib/reference.py"],
        cwd=REPOSITORY,
        input=schema,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for key in re.findall(r"^#?([a-z_]+):", open(os.path.join(REPOSITORY, "config/larder.yaml")).read(), re.M):
        assert f"## {key}\n" in made, key
    assert "| `limits.header_bytes` | `32KB` |" in made and "`routes[].match`" in made
