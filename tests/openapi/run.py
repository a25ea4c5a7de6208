"""Runs Schemathesis against a gateway: `run.py URL REPORT_FOLDER`. Says at the end how many operations held."""

import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import account

base, report = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
here = pathlib.Path(__file__).resolve().parent
report.mkdir(parents=True, exist_ok=True)
junit = report / "junit.xml"
junit.unlink(missing_ok=True)

environment = dict(os.environ, SCHEMATHESIS_HOOKS=str(here / "hooks.py"), VESTIBULE_URL=base)
# The description's examples name the first customer, one of them to delete it. The one whom requests are about is another.
account.open_account(base)
environment["STOREFRONT_BEARER"] = account.log_in_at_shop(base, account.open_account(base)["email"])
environment["MERCHANT_BEARER"] = account.log_in_merchant(base)
environment |= {f"VESTIBULE_{name.upper()}": value for name, value in account.open_account(base).items()}
command = [pathlib.Path(sys.executable).with_name("st"), "--config-file", here / "schemathesis.toml", "run"]
command += [f"{base}/openapi.json", "--report", "junit", "--report-junit-path", junit, *sys.argv[3:]]
# It keeps what it finds in the folder it runs in.
finished = subprocess.run(command, env=environment, cwd=report, check=False)

cases = list(ElementTree.parse(junit).getroot().iter("testcase")) if junit.exists() else []
failed = sum(1 for case in cases if case.find("failure") is not None or case.find("error") is not None)
# A run that broke off has failed, whatever it had found by then.
failed = max(failed, int(finished.returncode != 0))
print(f"test result: {'FAILED' if failed else 'ok'}. {len(cases) - failed} passed; {failed} failed")
sys.exit(finished.returncode)
