"""Programs made for the course, as assembly text."""

VM_SIGN = """
; Draws "VM" in the middle of the screen and stops.
        CLS
        LD   V0, 22
        LD   V1, 12
        LD   I, letter_v
        DRW  V0, V1, 8
        ADD  V0, 11
        LD   I, letter_m
        DRW  V0, V1, 8
stop:   JP   stop
letter_v: DB 0b10000010, 0b10000010, 0b10000010, 0b01000100
        DB   0b01000100, 0b00101000, 0b00101000, 0b00010000
letter_m: DB 0b10000010, 0b11000110, 0b10101010, 0b10010010
        DB   0b10000010, 0b10000010, 0b10000010, 0b10000010
"""

COUNTDOWN = """
; Counts from 9 to 0, one digit each half second (30 ticks), and beeps at the end.
        LD   V0, 9
        LD   V1, 30
        LD   V2, 13
show:   CLS
        LD   F, V0
        DRW  V1, V2, 5
        LD   V3, 30
        LD   DT, V3
wait:   LD   V3, DT
        SE   V3, 0
        JP   wait
        SE   V0, 0
        JP   next
        LD   V3, 20
        LD   ST, V3
stop:   JP   stop
next:   ADD  V0, 255            ; minus one
        JP   show
"""

BALL = """
; A ball of one pixel that flies for ever and bounces off the edges.
        LD   V0, 5              ; where it is
        LD   V1, 3
        LD   V2, 1              ; where it flies to: 1 or 255, which is minus one
        LD   V3, 1
        LD   I, ball
move:   DRW  V0, V1, 1
        LD   V4, 2
        LD   DT, V4
hold:   LD   V4, DT
        SE   V4, 0
        JP   hold
        DRW  V0, V1, 1          ; drawn twice, it is gone
        ADD  V0, V2
        ADD  V1, V3
        SNE  V0, 63
        LD   V2, 255
        SNE  V0, 0
        LD   V2, 1
        SNE  V1, 31
        LD   V3, 255
        SNE  V1, 0
        LD   V3, 1
        JP   move
ball:   DB   0b10000000
"""

ECHO = """
; Shows the key that is held: what an interactive program needs of its machine.
        LD   V1, 30
        LD   V2, 13
again:  LD   V0, K
        CLS
        LD   F, V0
        DRW  V1, V2, 5
        JP   again
"""

SUM = """
; Pure computing, for measuring: V0 = 1 + 2 + ... + 20 = 210, again and again.
again:  LD   V0, 0
        LD   V1, 20
next:   ADD  V0, V1
        ADD  V1, 255
        SE   V1, 0
        JP   next
        ADD  V2, 1              ; how often
        JP   again
"""
