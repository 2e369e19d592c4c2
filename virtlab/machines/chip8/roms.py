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

COLLATZ = """
; Counts the steps that 27 takes to 1: halve an even number, make 3n + 1 of an odd one. The number
; needs 16 bits, so it lies in two registers. Then it writes the count on the screen and stops.
        LD   V0, 0              ; high byte
        LD   V1, 27             ; low byte
        LD   V2, 0              ; steps
next:   SE   V0, 0
        JP   more
        SNE  V1, 1
        JP   show
more:   ADD  V2, 1
        LD   V3, V1
        LD   V4, 1
        AND  V3, V4
        SE   V3, 0
        JP   odd
        SHR  V1, V1             ; even: shift both bytes to the right, …
        SHR  V0, V0             ; … and VF is what falls out of the high one
        SE   VF, 0
        ADD  V1, 128
        JP   next
odd:    LD   V3, V0
        LD   V4, V1
        ADD  V1, V4             ; VF is the carry
        LD   V5, VF
        ADD  V0, V3
        ADD  V0, V5
        ADD  V1, V4
        LD   V5, VF
        ADD  V0, V3
        ADD  V0, V5
        LD   V5, 1
        ADD  V1, V5
        LD   V5, VF
        ADD  V0, V5
        JP   next
show:   LD   V6, V2
        LD   I, digits
        LD   B, V6
        LD   V2, [I]
        LD   V3, 23
        LD   V4, 13
        LD   F, V0
        DRW  V3, V4, 5
        ADD  V3, 7
        LD   F, V1
        DRW  V3, V4, 5
        ADD  V3, 7
        LD   F, V2
        DRW  V3, V4, 5
stop:   JP   stop
digits: DB   0, 0, 0
"""

TRIANGLES = """
; Lights the pixel (x, y) where x AND y is 0: Sierpinski's triangle, the pattern of Pascal's odd
; numbers. It draws 2048 places one after the other and stops.
        LD   I, dot
        LD   V1, 0              ; y
row:    LD   V0, 0              ; x
pixel:  LD   V2, V0
        AND  V2, V1
        SE   V2, 0
        JP   dark
        DRW  V0, V1, 1
dark:   ADD  V0, 1
        SE   V0, 64
        JP   pixel
        ADD  V1, 1
        SE   V1, 32
        JP   row
stop:   JP   stop
dot:    DB   0b10000000
"""

STAIRS = """
; Makes a sprite of eight rows, each one pixel wider than the row above, and draws it five times.
; It counts on what the first interpreter did: that storing moves I on, that SHL shifts its second
; operand, and that the last picture is clipped at the right edge.
        LD   I, sprite
        LD   V1, 1              ; a row of the sprite
        LD   V2, 8              ; rows left
row:    LD   V0, V1
        LD   [I], V0            ; and I is behind it
        LD   V3, 0
        SHL  V3, V1             ; V3 is twice V1
        ADD  V3, 1
        LD   V1, V3
        ADD  V2, 255
        SE   V2, 0
        JP   row
        LD   I, sprite
        LD   V4, 4
        LD   V5, 12
draw:   DRW  V4, V5, 8
        ADD  V4, 14
        SE   V4, 74             ; after 4, 18, 32, 46 and 60
        JP   draw
stop:   JP   stop
sprite: DB   0, 0, 0, 0, 0, 0, 0, 0
"""
