;; The payload of the WebAssembly rung: its first instruction calls the host, which takes the time.
(module
  (import "host" "now" (func $now))
  (memory (export "memory") 1)
  (func (export "main")
    call $now))
