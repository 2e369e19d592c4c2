# expected: 4/4
# method: a purse that fills month by month
KEYS = {"servers": "server", "licences": "licence", "kwh": "kwh"}


def bill(fleet, prices):
    amounts = dict(fleet, kwh=0.72 * fleet["watts"])
    return amounts["kwh"], sum(amounts[key] * prices[price] for key, price in KEYS.items())


def worth(before, after, prices, once, lifetime):
    (kwh_old, old), (kwh_new, new) = bill(before, prices), bill(after, prices)
    purse, month = -once, 0
    while purse < 0 and month < lifetime:
        purse, month = purse + old - new, month + 1
    return kwh_old - kwh_new, month if purse >= 0 else None
