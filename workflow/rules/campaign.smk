# campaign: who is at work on it, and what it was started with.

from snakemake.persistence.file import FilePersistence

from coatline.campaign.head import advise, leave_work, note_own_job, take_up_work
from coatline.campaign.locks import keep_locks_apart
from coatline.campaign.looks import keep_unanswered
from coatline.campaign.ship import compare_physics
from coatline.campaign.start import declare_start

if workflow.is_main_process:
    note_own_job()
    advise(plan.folder)
    keep_locks_apart(
        FilePersistence,
        taken=lambda: take_up_work(plan.folder, None, begun=False),
        given_back=lambda: leave_work(plan.folder, begun=False),
    )
    if plan.dataset:
        # A note and no more: what was learned from it stands, and the dataset is still itself.
        today = {stage: value for stage, (value, *decks) in hashes.items()}
        try:
            for line in compare_physics(plan.dataset, today):
                print(f"coatline: note: {line}", file=sys.stderr)
        except CoatlineError as error:
            print(f"coatline: error: {error}", file=sys.stderr)
            sys.exit(2)


onstart:
    declare_start(config["resolved"], hashes)
    os.environ[SHARING] = str(count_sharing("calender"))
    executor = getattr(workflow.scheduler, "_executor", None)
    take_up_work(plan.folder, getattr(executor, "run_uuid", None))
    keep_unanswered(executor)
    # With a limit on submissions each pass of the scheduler starts a timer for another pass, and each
    # job that ends adds such a chain, which never ends: hundreds of threads after 5,000 jobs, and
    # 75 ms for each job in place of 5 (Snakemake 9.27). The default limit, 100 per second, is taken
    # off; others stay.
    submissions = getattr(workflow.scheduler, "job_rate_limiter", None)
    if submissions and (submissions.max_jobs, submissions.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


onsuccess:
    leave_work(plan.folder)


onerror:
    leave_work(plan.folder)
