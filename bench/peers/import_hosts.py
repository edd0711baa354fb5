"""Imports hosts by Faraday's own function, first and again, and prints a line of JSON for each pass.

Arguments: a JSON file with a list of hosts, how many of them one import takes, and the seconds after which a pass stops.
"""

import json
import logging
import sys
import time
from datetime import datetime

from faraday.server.app import get_app

path, size, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
app = get_app(register_extensions_flag=False)
logging.disable(logging.CRITICAL)

with app.app_context():
    from faraday.server.models import Command, RiskScoreProfile, Vulnerability, Workspace, db
    from faraday.server.utils.reports_processor import send_report_data

    profile = RiskScoreProfile.query.order_by(RiskScoreProfile.id).first()
    workspace = Workspace(name="clinic", risk_score_profile_id=profile.id)
    db.session.add(workspace)
    db.session.commit()
    workspace_id = workspace.id
    reached = None

    for name in ("first", "again"):
        # Read anew: the import takes its argument apart.
        with open(path, encoding="utf-8") as file:
            hosts = json.load(file)[:reached]
        done, results, start = 0, 0, time.perf_counter()
        while done < len(hosts) and (name == "again" or time.perf_counter() - start < seconds):
            part = hosts[done : done + size]
            results += sum(len(host["vulnerabilities"]) for host in part)
            started = datetime.utcnow()
            command = Command(
                command="import", tool="bench", user="bench", start_date=started,
                workspace_id=workspace_id, import_source="report",
            )  # fmt: skip
            db.session.add(command)
            db.session.commit()
            about = {"tool": "bench", "command": "import", "user": "bench", "import_source": "report"}
            about |= {"hostname": "bench", "params": "", "start_date": started.isoformat() + "+00:00"}
            send_report_data("clinic", command.id, {"hosts": part, "command": about}, None, True)
            done += len(part)
        spent = time.perf_counter() - start
        reached = done
        stored = Vulnerability.query.filter_by(workspace_id=workspace_id).count()
        print(json.dumps({"pass": name, "results": results, "stored": stored, "seconds": spent}), flush=True)
