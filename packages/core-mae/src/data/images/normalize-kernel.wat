;; Levels of 0-255 as float32 (level / 255 - mean) / std, in that order of rounding; `normalize-levels.ts` lays out the memory.
(module
  (memory (export "memory") 1)

  ;; Twelve values at a time, which is a whole number of pixels of 1, 2, 3 or 4 channels: up to eleven values past `count`
  ;; are read and written too. `means` and `stds`: twelve float32 values each.
  (func (export "normalize")
    (param $input i32) (param $count i32) (param $means i32) (param $stds i32) (param $output i32)
    (local $bytes v128) (local $low v128) (local $whole v128) (local $end i32)
    (local $mean0 v128) (local $mean1 v128) (local $mean2 v128)
    (local $std0 v128) (local $std1 v128) (local $std2 v128)
    (local.set $whole (f32x4.splat (f32.const 255)))
    (local.set $mean0 (v128.load (local.get $means)))
    (local.set $mean1 (v128.load offset=16 (local.get $means)))
    (local.set $mean2 (v128.load offset=32 (local.get $means)))
    (local.set $std0 (v128.load (local.get $stds)))
    (local.set $std1 (v128.load offset=16 (local.get $stds)))
    (local.set $std2 (v128.load offset=32 (local.get $stds)))
    (local.set $end (i32.add (local.get $input) (local.get $count)))
    (loop $twelve
      (local.set $bytes (v128.load (local.get $input)))
      (local.set $low (i16x8.extend_low_i8x16_u (local.get $bytes)))
      (v128.store (local.get $output)
        (f32x4.div
          (f32x4.sub
            (f32x4.div (f32x4.convert_i32x4_u (i32x4.extend_low_i16x8_u (local.get $low))) (local.get $whole))
            (local.get $mean0))
          (local.get $std0)))
      (v128.store offset=16 (local.get $output)
        (f32x4.div
          (f32x4.sub
            (f32x4.div (f32x4.convert_i32x4_u (i32x4.extend_high_i16x8_u (local.get $low))) (local.get $whole))
            (local.get $mean1))
          (local.get $std1)))
      (v128.store offset=32 (local.get $output)
        (f32x4.div
          (f32x4.sub
            (f32x4.div
              (f32x4.convert_i32x4_u
                (i32x4.extend_low_i16x8_u (i16x8.extend_high_i8x16_u (local.get $bytes))))
              (local.get $whole))
            (local.get $mean2))
          (local.get $std2)))
      (local.set $output (i32.add (local.get $output) (i32.const 48)))
      (local.set $input (i32.add (local.get $input) (i32.const 12)))
      (br_if $twelve (i32.lt_u (local.get $input) (local.get $end))))))
