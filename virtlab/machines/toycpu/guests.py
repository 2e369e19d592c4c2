"""Guest programs for the toy CPU, as assembly text. Each says what it prints and why."""

HELLO = """
; Prints "hello" one character at a time: one privileged instruction for each.
        li   r1, message
next:   ld   r2, r1, 0
        beq  r2, r0, done      ; r0 is 0
        out  r2
        addi r1, 1
        jmp  next
done:   halt
message: .text "hello\\n"
        .word 0
"""

HELLO_PARAVIRTUAL = """
; Prints "hello" with one hypercall; knows that it is a guest.
        li   r1, message
        li   r2, 6
        vmcall 2               ; write
        halt
message: .text "hello\\n"
"""

COUNT_PRIMES = """
; Pure computing: counts the primes below 100 by trial division and prints the count as a word.
        li   r1, 2             ; candidate
        li   r2, 0             ; count
        li   r7, 100
each:   li   r3, 2             ; divisor
try:    mov  r4, r3
        mul  r4, r3
        blt  r1, r4, prime     ; divisor squared is larger: no divisor found
        mov  r5, r3
        mul  r5, r5
        mov  r6, r1
minus:  blt  r6, r3, rest
        sub  r6, r3
        jmp  minus
rest:   beq  r6, r0, next      ; divided without a rest
        addi r3, 1
        jmp  try
prime:  addi r2, 1
next:   addi r1, 1
        blt  r1, r7, each
        out  r2
        halt
"""

WHO_AM_I = """
; Prints its mode and its base. On a bare machine: 0 and 0. A monitor must make it say the same.
        getm r1
        out  r1
        getr r1
        out  r1
        halt
"""

MINI_OS = """
; A tiny operating system: two processes, each with memory of its own, switched by the timer.
; Each prints its letter three times by svc 1, computes a little after each, and ends by svc 0.
; By convention r0 is 0, r7 is the system's, and a process uses r1 to r3.
; A process's state is six words: r1, r2, r3, pc, base, bound. Bound 0 marks a dead one.
        li   r1, handler
        st   r1, r0, 6         ; word 6: where traps go on
        li   r7, state_a
        jmp  resume

handler: timer r0              ; the kernel is not to be interrupted
        ld   r7, r0, current
        st   r1, r7, 0
        st   r2, r7, 1
        st   r3, r7, 2
        ld   r1, r0, 1         ; word 1 of the trap frame: the process's pc
        st   r1, r7, 3
        ld   r1, r0, 4         ; word 4: the cause
        li   r2, 6             ; the timer
        beq  r1, r2, switch
        li   r2, 4             ; svc
        bne  r1, r2, kill
        ld   r1, r0, 5         ; word 5: the number of the svc
        beq  r1, r0, kill
        ld   r1, r7, 0
        out  r1
        jmp  resume

kill:   st   r0, r7, 5
        ld   r1, r0, alive
        addi r1, -1
        st   r1, r0, alive
        bne  r1, r0, switch
        halt

switch: li   r1, state_a       ; take the other one, unless it is dead
        bne  r7, r1, found
        li   r1, state_b
found:  ld   r2, r1, 5
        beq  r2, r0, resume
        mov  r7, r1

resume: st   r7, r0, current
        li   r1, 1
        st   r1, r0, 0         ; user mode
        ld   r1, r7, 3
        st   r1, r0, 1         ; pc
        ld   r1, r7, 4
        st   r1, r0, 2         ; base
        ld   r1, r7, 5
        st   r1, r0, 3         ; bound
        li   r1, 25
        timer r1               ; the time slice, in instructions
        ld   r1, r7, 0
        ld   r2, r7, 1
        ld   r3, r7, 2
        rett

current: .word 0
alive:   .word 2
state_a: .word 'a', 0, 0, 0, process, 9
state_b: .word 'b', 0, 0, 0, process, 9

process:                       ; both run the same code, at addresses from 0 as they see it
        svc  1                 ; 0
        li   r3, 20            ; 1
        addi r3, -1            ; 2
        bne  r3, r0, 2         ; 3
        addi r2, 1             ; 4
        li   r3, 3             ; 5
        bne  r2, r3, 0         ; 6
        svc  0                 ; 7
        nop                    ; 8
"""
