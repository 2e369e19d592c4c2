# expected: 3/3
# method: a numpy array with one line a task and one column a millisecond
import numpy as np


def pressure(tasks, start, end):
    if not tasks:
        return {"some": 0.0, "full": 0.0}
    waits = np.zeros((len(tasks), end - start), dtype=bool)
    for line, spans in zip(waits, tasks.values()):
        for since, until in spans:
            line[max(0, since - start) : max(0, until - start)] = True
    return {"some": float(waits.any(axis=0).mean()), "full": float(waits.all(axis=0).mean())}
