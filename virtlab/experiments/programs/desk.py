"""A small desktop: an editor, a clock that counts, a page, a film, a window that moves.

Keys: letters type, F1 scrolls, F2 draws another frame of the film, F3 moves the window. Each line
on the standard input is answered with a line of JSON: what the program knows. `film` draws a frame,
too. The clock stands still until a line says `run`, and again after `rest`; the program moves it by
itself. It ends with its input. It needs tkinter.
"""

import json
import os
import random
import sys
import tkinter

WIDTH, HEIGHT = int(sys.argv[1]), int(sys.argv[2])
FILM = 96
LINES = [
    f"{n:02d}  " + "".join("eaton isr"[(n * 7 + c * c) % 9] for c in range(34)) for n in range(60)
]


def frame(seed: int) -> bytes:
    """One frame of a noisy film, as a portable pixmap."""
    pixels = random.Random(seed).randbytes(3 * FILM * FILM)
    return b"P6 %d %d 255\n" % (FILM, FILM) + pixels


class Desk:
    """The program and its state."""

    def __init__(self) -> None:
        self.ticks = self.films = self.top = 0
        self.runs = False
        self.window_x = 0
        self.root = tkinter.Tk()
        self.root.overrideredirect(True)
        self.root.geometry(f"{WIDTH}x{HEIGHT}+0+0")
        self.root.configure(background="#0072B2")
        font = ("TkFixedFont", 11)
        self.editor = tkinter.Text(self.root, width=38, height=5, font=font, insertofftime=0)
        self.editor.place(x=10, y=30, width=WIDTH - 160, height=100)
        self.pages = tkinter.Text(self.root, width=38, height=8, font=font, wrap="none")
        self.pages.insert("end", "\n".join(LINES))
        self.pages.configure(state="disabled")
        self.pages.place(x=10, y=HEIGHT - 170, width=WIDTH - 160, height=160)
        self.clock = tkinter.Label(self.root, text="0", font=font, width=6)
        self.clock.place(x=10, y=4)
        self.image = tkinter.PhotoImage(data=frame(0), format="PPM")
        self.film = tkinter.Label(self.root, image=self.image, borderwidth=0)
        self.film.place(x=WIDTH - FILM - 20, y=HEIGHT - FILM - 20)
        self.window = tkinter.Label(self.root, text="a window", background="#E69F00", font=font)
        self.window.place(x=WIDTH - 140, y=40, width=80, height=60)
        self.root.bind_all("<F1>", self.scroll)
        self.root.bind_all("<F2>", self.play)
        self.root.bind_all("<F3>", self.move)
        self.root.tk.createfilehandler(sys.stdin, tkinter.READABLE, self.answer)
        self.root.update()
        self.editor.focus_force()

    def scroll(self, _event: object) -> None:
        """One line down."""
        self.top = (self.top + 1) % 50
        self.pages.yview(self.top)

    def play(self, _event: object) -> None:
        """Another frame."""
        self.films += 1
        self.image.configure(data=frame(self.films))

    def move(self, _event: object) -> None:
        """The window somewhere else."""
        self.window_x = 50 - self.window_x
        self.window.place(x=WIDTH - 140 + self.window_x)

    def beat(self) -> None:
        """Move the clock, again and again, while it runs."""
        if self.runs:
            self.ticks += 1
            self.clock.configure(text=str(self.ticks))
            self.root.after(50, self.beat)

    def answer(self, *_ignored: object) -> None:
        """Tell what the program knows; end when nobody asks any more."""
        line = sys.stdin.readline()
        if not line:
            self.root.destroy()
            return
        if line.startswith(("run", "rest")):
            self.runs = line.startswith("run")
            self.beat()
        elif line.startswith("film"):
            self.play(None)
        self.root.update()
        state = {
            "pid": os.getpid(),
            "ticks": self.ticks,
            "text": self.editor.get("1.0", "end-1c"),
        }
        print(json.dumps(state), flush=True)


Desk().root.mainloop()
