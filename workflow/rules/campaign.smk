# campaign: who is at work on it, and what it was started with.

from coatline.campaign.head import advise, leave_work, take_up_work
from coatline.campaign.start import declare_start

if workflow.is_main_process:
    advise(plan.folder)


onstart:
    declare_start(config["resolved"], hashes)
    executor = getattr(workflow.scheduler, "_executor", None)
    take_up_work(plan.folder, getattr(executor, "run_uuid", None))


onsuccess:
    leave_work(plan.folder)


onerror:
    leave_work(plan.folder)
