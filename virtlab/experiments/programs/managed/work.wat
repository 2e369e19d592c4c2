;; The same work as Work.java and Work.cs, for a machine that understands WebAssembly.
(module
  (func $work (export "work") (param $n i32) (result i32)
    (local $digest i32) (local $start i32) (local $steps i32) (local $x i64)
    (local.set $digest (i32.const 0x811C9DC5))
    (local.set $start (i32.const 1))
    (block $done
      (loop $next
        (br_if $done (i32.gt_s (local.get $start) (local.get $n)))
        (local.set $x (i64.extend_i32_s (local.get $start)))
        (local.set $steps (i32.const 0))
        (block $one
          (loop $step
            (br_if $one (i64.eq (local.get $x) (i64.const 1)))
            (local.set $x
              (if (result i64) (i64.eqz (i64.and (local.get $x) (i64.const 1)))
                (then (i64.shr_s (local.get $x) (i64.const 1)))
                (else (i64.add (i64.mul (local.get $x) (i64.const 3)) (i64.const 1)))))
            (local.set $steps (i32.add (local.get $steps) (i32.const 1)))
            (br $step)))
        (local.set $digest
          (i32.mul (i32.xor (local.get $digest) (local.get $steps)) (i32.const 16777619)))
        (local.set $start (i32.add (local.get $start) (i32.const 1)))
        (br $next)))
    (local.get $digest))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (export "remainder") (param i32 i32) (result i32) (i32.rem_s (local.get 0) (local.get 1)))
  (func (export "left") (param i32 i32) (result i32) (i32.shl (local.get 0) (local.get 1)))
  (func (export "right") (param i32 i32) (result i32) (i32.shr_u (local.get 0) (local.get 1)))
  (func (export "sum") (param $n i32) (result i64)
    (local $i i32) (local $sum f64)
    (local.set $i (i32.const 1))
    (block $done
      (loop $next
        (br_if $done (i32.gt_s (local.get $i) (local.get $n)))
        (local.set $sum
          (f64.add (local.get $sum) (f64.div (f64.const 1) (f64.convert_i32_s (local.get $i)))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (i64.reinterpret_f64 (local.get $sum))))
