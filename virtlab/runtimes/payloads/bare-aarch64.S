// A guest without an operating system, for QEMU's `virt` board with a 64-bit Arm processor. It is
// loaded and entered at 0x40200000, behind what the board itself puts into memory. It says over the
// serial port (a PL011) what processor it finds itself on. Then it calls the function of
// collatz-aarch64.bin, which the board's loader has put at 0x40300000 as it is, with n and times
// from 0x40400000, says what came out and how many ticks of the board's clock that took, and
// switches the machine off.
//
//   make bare-aarch64.bin (see the Makefile beside)
.globl _start

_start:
        ldr     x0, =0x40500000                     // a stack, growing down
        mov     sp, x0
        adr     x0, hello
        bl      say
        mrs     x0, midr_el1                        // who made this processor, and which is it?
        bl      say_hexadecimal
        adr     x0, level
        bl      say
        mrs     x0, currentel
        lsr     x0, x0, #2
        bl      say_decimal
        adr     x0, steps
        bl      say
        ldr     x9, =0x40400000
        ldp     x0, x1, [x9]
        ldr     x10, =0x40300078                    // repeat stands at offset 0x78 of its file
        isb
        mrs     x20, cntvct_el0
        blr     x10
        isb
        mrs     x21, cntvct_el0
        bl      say_decimal
        adr     x0, ticks
        bl      say
        sub     x0, x21, x20
        bl      say_decimal
        adr     x0, hertz
        bl      say
        mrs     x0, cntfrq_el0
        bl      say_decimal
        adr     x0, bye
        bl      say
        ldr     x0, =0x84000008                     // PSCI: SYSTEM_OFF
        hvc     #0
halt:
        wfi
        b       halt

say:                                                // x0: text, ended by a zero byte
        ldr     x1, =0x09000000                     // the serial port's data register
say_next:
        ldrb    w2, [x0], #1
        cbz     w2, say_done
say_wait:
        ldr     w3, [x1, #0x18]                     // flags: bit 5 while it takes no byte
        tbnz    w3, #5, say_wait
        str     w2, [x1]
        b       say_next
say_done:
        ret

say_decimal:                                        // x0: a number
        mov     x4, #10
        b       say_number
say_hexadecimal:
        mov     x4, #16
say_number:
        stp     x29, x30, [sp, #-48]!
        add     x5, sp, #47                         // write it from the last digit on
        strb    wzr, [x5]
digit:
        udiv    x6, x0, x4
        msub    x7, x6, x4, x0
        add     x8, x7, #'0'
        cmp     x7, #10
        b.lo    put
        add     x8, x7, #'a' - 10
put:
        strb    w8, [x5, #-1]!
        mov     x0, x6
        cbnz    x0, digit
        mov     x0, x5
        bl      say
        ldp     x29, x30, [sp], #48
        ret

hello:  .asciz  "midr "
level:  .asciz  "\nlevel "
steps:  .asciz  "\nsum "
ticks:  .asciz  "\nticks "
hertz:  .asciz  "\nhertz "
bye:    .asciz  "\nbye\n"
        .balign 8
        .ltorg
