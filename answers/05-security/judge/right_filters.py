# expected: 3/3
# method: one attack at a time, with filters over the whole list
def judge(trials):
    def verdict(attack):
        valid = [t for t in trials if t["attack"] == attack and t["works"]]
        walled = [t for t in valid if t["wall"]]
        bare = [t for t in valid if not t["wall"]]
        if any(t["succeeded"] for t in walled):
            return "leaks"
        if walled and any(t["succeeded"] for t in bare):
            return "holds"
        return "unproven"

    return {t["attack"]: verdict(t["attack"]) for t in trials}
