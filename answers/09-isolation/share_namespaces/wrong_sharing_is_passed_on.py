# expected: 0/3
# hint: Each kind stands alone
# misconception: one shared namespace of any kind puts two processes into one group
def share_namespaces(links):
    kinds, merged = {}, []
    for process in sorted(links):
        own = {
            (name, text)
            for name, text in links[process].items()
            if text is not None and not name.endswith("_for_children")
        }
        kinds |= {name: None for name, text in own}
        group = [process]
        for other in [one for one in merged if one[1] & own]:
            merged.remove(other)
            group, own = group + other[0], own | other[1]
        merged.append((sorted(group), own))
    groups = sorted(group for group, own in merged)
    return {kind: groups for kind in kinds}
