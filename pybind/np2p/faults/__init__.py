"""What goes wrong: single faults for net.apply(), and plans of them.

    plan = Plan([
        at(minutes(1), Partition(share=0.3)),
        at(minutes(3), Heal()),
        every(30, Crash(share=0.1, downtime=60), until=minutes(10)),
        between(minutes(12), minutes(14), Loss(0.05)),
    ])
    print(plan)
    net.apply(plan)      # its times count from now on
    net.run_for(plan.duration)
    net.happened         # what happened to whom, and when
"""

from .actions import (
    Action,
    ChangeAddress,
    Churn,
    ComeOnline,
    Crash,
    Fault,
    GoOffline,
    Heal,
    LoseDisk,
    Loss,
    Partition,
    PowerOff,
    Rebind,
    Restart,
)
from .engine import Happening
from .lifetimes import Diurnal, Exponential, Lifetime, Weibull
from .plan import Plan, Step, at, between, every

__all__ = [
    "Action",
    "ChangeAddress",
    "Churn",
    "ComeOnline",
    "Crash",
    "Diurnal",
    "Exponential",
    "Fault",
    "GoOffline",
    "Happening",
    "Heal",
    "Lifetime",
    "LoseDisk",
    "Loss",
    "Partition",
    "Plan",
    "PowerOff",
    "Rebind",
    "Restart",
    "Step",
    "Weibull",
    "at",
    "between",
    "every",
]
