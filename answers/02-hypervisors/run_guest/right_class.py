# expected: 4/4
# method: the virtual machine as a class with one method an instruction
class Guest:
    def __init__(self, inputs, handler):
        self.cpu = {"registers": [0] * 4, "pc": 0}
        self.inputs, self.handler = iter(inputs), handler
        self.mode, self.saved, self.halted, self.output = "supervisor", 0, False, []

    def handle(self, reason, instruction):
        if reason == "timer":
            return
        if reason == "privileged":
            self.cpu["pc"] += 1
            if self.mode == "supervisor":
                getattr(self, "do_" + instruction[0])(*instruction[1:])
                return
        self.saved, self.mode, self.cpu["pc"] = self.cpu["pc"], "supervisor", self.handler

    def do_out(self, register):
        self.output.append(self.cpu["registers"][register])

    def do_in(self, register):
        self.cpu["registers"][register] = next(self.inputs, -1)

    def do_getm(self, register):
        self.cpu["registers"][register] = 0

    def do_user(self, target):
        self.mode, self.cpu["pc"] = "user", target

    def do_rett(self):
        self.do_user(self.saved)

    def do_halt(self):
        self.halted = True


def run_guest(program, inputs, handler, max_exits):
    guest = Guest(inputs, handler)
    exits = 0
    while not guest.halted and exits < max_exits:
        guest.handle(*hardware_run(guest.cpu, program))
        exits += 1
    return {"output": guest.output, "exits": exits, "mode": guest.mode, "halted": guest.halted}
