;; The two passes of an antialiased resize on 8-bit pixels; `resize-simd.ts` lays out the memory and calls them.
;;
;; A weight k (fixed point, 22 bits) is stored as k = high * 4096 + low with high and low in 16 bits, two neighbouring
;; weights together: [high0, high1, low0, low1]. `i32x4.dot_i16x8_s` then multiplies and adds two pixels at a time, and
;; (Σ p·high) * 4096 + Σ p·low is exactly Σ p·k, so the result is the plain version's to the last bit. The low sums
;; start at 2^21, which rounds.
(module
  (memory (export "memory") 1)

  ;; Resamples rows of pixels of `channels` bytes (1 to 4) to `width` pixels each, four rows at a time: the last time
  ;; up to three rows beyond `numRows` are read and written too.
  ;; `starts`: byte offset of each output pixel's first source pixel in its row; `pairs`: the number of weight pairs of
  ;; each, the same for all so that the processor foresees the loop's end (weights beyond a pixel's own are zero);
  ;; `spread`: address of the byte shuffle that brings a channel of two pixels side by side.
  (func (export "resampleRows")
    (param $input i32) (param $inputStride i32) (param $numRows i32) (param $channels i32)
    (param $output i32) (param $outputStride i32) (param $width i32)
    (param $starts i32) (param $pairs i32) (param $weights i32) (param $weightStride i32) (param $spread i32)
    (local $shuffle v128) (local $pixels v128) (local $wHigh v128) (local $wLow v128)
    (local $high0 v128) (local $high1 v128) (local $high2 v128) (local $high3 v128)
    (local $low0 v128) (local $low1 v128) (local $low2 v128) (local $low3 v128)
    (local $x i32) (local $from i32) (local $weight i32) (local $left i32) (local $to i32) (local $step i32)
    (local $second i32) (local $third i32) (local $half v128)
    (local.set $half (i32x4.splat (i32.const 0x200000)))
    (local.set $shuffle (v128.load (local.get $spread)))
    (local.set $step (i32.shl (local.get $channels) (i32.const 1)))
    (local.set $second (i32.shl (local.get $inputStride) (i32.const 1)))
    (local.set $third (i32.mul (local.get $inputStride) (i32.const 3)))
    (loop $rows
      (local.set $x (i32.const 0))
      (local.set $to (local.get $output))
      (loop $pixel
        (local.set $from
          (i32.add (local.get $input)
            (i32.load (i32.add (local.get $starts) (i32.shl (local.get $x) (i32.const 2))))))
        (local.set $left (local.get $pairs))
        (local.set $weight
          (i32.add (local.get $weights) (i32.mul (local.get $x) (local.get $weightStride))))
        (local.set $high0 (v128.const i32x4 0 0 0 0))
        (local.set $high1 (local.get $high0))
        (local.set $high2 (local.get $high0))
        (local.set $high3 (local.get $high0))
        (local.set $low0 (local.get $half))
        (local.set $low1 (local.get $half))
        (local.set $low2 (local.get $half))
        (local.set $low3 (local.get $half))
        (loop $pair
          (local.set $wHigh (v128.load32_splat (local.get $weight)))
          (local.set $wLow (v128.load32_splat offset=4 (local.get $weight)))
          (local.set $pixels
            (i8x16.swizzle (v128.load64_zero (local.get $from)) (local.get $shuffle)))
          (local.set $high0
            (i32x4.add (local.get $high0) (i32x4.dot_i16x8_s (local.get $pixels) (local.get $wHigh))))
          (local.set $low0
            (i32x4.add (local.get $low0) (i32x4.dot_i16x8_s (local.get $pixels) (local.get $wLow))))
          (local.set $pixels
            (i8x16.swizzle (v128.load64_zero (i32.add (local.get $from) (local.get $inputStride))) (local.get $shuffle)))
          (local.set $high1
            (i32x4.add (local.get $high1) (i32x4.dot_i16x8_s (local.get $pixels) (local.get $wHigh))))
          (local.set $low1
            (i32x4.add (local.get $low1) (i32x4.dot_i16x8_s (local.get $pixels) (local.get $wLow))))
          (local.set $pixels
            (i8x16.swizzle (v128.load64_zero (i32.add (local.get $from) (local.get $second))) (local.get $shuffle)))
          (local.set $high2
            (i32x4.add (local.get $high2) (i32x4.dot_i16x8_s (local.get $pixels) (local.get $wHigh))))
          (local.set $low2
            (i32x4.add (local.get $low2) (i32x4.dot_i16x8_s (local.get $pixels) (local.get $wLow))))
          (local.set $pixels
            (i8x16.swizzle (v128.load64_zero (i32.add (local.get $from) (local.get $third))) (local.get $shuffle)))
          (local.set $high3
            (i32x4.add (local.get $high3) (i32x4.dot_i16x8_s (local.get $pixels) (local.get $wHigh))))
          (local.set $low3
            (i32x4.add (local.get $low3) (i32x4.dot_i16x8_s (local.get $pixels) (local.get $wLow))))
          (local.set $from (i32.add (local.get $from) (local.get $step)))
          (local.set $weight (i32.add (local.get $weight) (i32.const 8)))
          (br_if $pair (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
        (local.set $pixels
          (i8x16.narrow_i16x8_u
            (i16x8.narrow_i32x4_s
              (i32x4.shr_s (i32x4.add (i32x4.shl (local.get $high0) (i32.const 12)) (local.get $low0)) (i32.const 22))
              (i32x4.shr_s (i32x4.add (i32x4.shl (local.get $high1) (i32.const 12)) (local.get $low1)) (i32.const 22)))
            (i16x8.narrow_i32x4_s
              (i32x4.shr_s (i32x4.add (i32x4.shl (local.get $high2) (i32.const 12)) (local.get $low2)) (i32.const 22))
              (i32x4.shr_s (i32x4.add (i32x4.shl (local.get $high3) (i32.const 12)) (local.get $low3)) (i32.const 22)))))
        ;; Bytes after the pixel are overwritten by the next one.
        (v128.store32_lane 0 (local.get $to) (local.get $pixels))
        (local.set $from (i32.add (local.get $to) (local.get $outputStride)))
        (v128.store32_lane 1 (local.get $from) (local.get $pixels))
        (local.set $from (i32.add (local.get $from) (local.get $outputStride)))
        (v128.store32_lane 2 (local.get $from) (local.get $pixels))
        (v128.store32_lane 3 (i32.add (local.get $from) (local.get $outputStride)) (local.get $pixels))
        (local.set $to (i32.add (local.get $to) (local.get $channels)))
        (br_if $pixel
          (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (local.get $width))))
      (local.set $input (i32.add (local.get $input) (i32.shl (local.get $inputStride) (i32.const 2))))
      (local.set $output (i32.add (local.get $output) (i32.shl (local.get $outputStride) (i32.const 2))))
      (br_if $rows
        (i32.gt_s (local.tee $numRows (i32.sub (local.get $numRows) (i32.const 4))) (i32.const 0)))))

  ;; Resamples columns: one output row of `stride` bytes (a multiple of 16) from `pairs` pairs of rows from `input` on.
  (func (export "resampleColumns")
    (param $input i32) (param $stride i32) (param $output i32) (param $weights i32) (param $pairs i32)
    (local $at i32) (local $from i32) (local $weight i32) (local $left i32)
    (local $upper v128) (local $lower v128) (local $both v128) (local $wHigh v128) (local $wLow v128)
    (local $high0 v128) (local $high1 v128) (local $high2 v128) (local $high3 v128)
    (local $low0 v128) (local $low1 v128) (local $low2 v128) (local $low3 v128) (local $half v128)
    (local.set $half (i32x4.splat (i32.const 0x200000)))
    (loop $chunk
      (local.set $from (i32.add (local.get $input) (local.get $at)))
      (local.set $weight (local.get $weights))
      (local.set $left (local.get $pairs))
      (local.set $high0 (v128.const i32x4 0 0 0 0))
      (local.set $high1 (local.get $high0))
      (local.set $high2 (local.get $high0))
      (local.set $high3 (local.get $high0))
      (local.set $low0 (local.get $half))
      (local.set $low1 (local.get $half))
      (local.set $low2 (local.get $half))
      (local.set $low3 (local.get $half))
      (loop $pair
        (local.set $upper (v128.load (local.get $from)))
        (local.set $lower (v128.load (i32.add (local.get $from) (local.get $stride))))
        (local.set $wHigh (v128.load32_splat (local.get $weight)))
        (local.set $wLow (v128.load32_splat offset=4 (local.get $weight)))
        (local.set $both
          (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $upper) (local.get $lower)))
        (local.set $lower
          (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $upper) (local.get $lower)))
        (local.set $upper (i16x8.extend_low_i8x16_u (local.get $both)))
        (local.set $high0
          (i32x4.add (local.get $high0) (i32x4.dot_i16x8_s (local.get $upper) (local.get $wHigh))))
        (local.set $low0
          (i32x4.add (local.get $low0) (i32x4.dot_i16x8_s (local.get $upper) (local.get $wLow))))
        (local.set $upper (i16x8.extend_high_i8x16_u (local.get $both)))
        (local.set $high1
          (i32x4.add (local.get $high1) (i32x4.dot_i16x8_s (local.get $upper) (local.get $wHigh))))
        (local.set $low1
          (i32x4.add (local.get $low1) (i32x4.dot_i16x8_s (local.get $upper) (local.get $wLow))))
        (local.set $upper (i16x8.extend_low_i8x16_u (local.get $lower)))
        (local.set $high2
          (i32x4.add (local.get $high2) (i32x4.dot_i16x8_s (local.get $upper) (local.get $wHigh))))
        (local.set $low2
          (i32x4.add (local.get $low2) (i32x4.dot_i16x8_s (local.get $upper) (local.get $wLow))))
        (local.set $upper (i16x8.extend_high_i8x16_u (local.get $lower)))
        (local.set $high3
          (i32x4.add (local.get $high3) (i32x4.dot_i16x8_s (local.get $upper) (local.get $wHigh))))
        (local.set $low3
          (i32x4.add (local.get $low3) (i32x4.dot_i16x8_s (local.get $upper) (local.get $wLow))))
        (local.set $from (i32.add (local.get $from) (i32.shl (local.get $stride) (i32.const 1))))
        (local.set $weight (i32.add (local.get $weight) (i32.const 8)))
        (br_if $pair (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (v128.store (i32.add (local.get $output) (local.get $at))
        (i8x16.narrow_i16x8_u
          (i16x8.narrow_i32x4_s
            (i32x4.shr_s (i32x4.add (i32x4.shl (local.get $high0) (i32.const 12)) (local.get $low0)) (i32.const 22))
            (i32x4.shr_s (i32x4.add (i32x4.shl (local.get $high1) (i32.const 12)) (local.get $low1)) (i32.const 22)))
          (i16x8.narrow_i32x4_s
            (i32x4.shr_s (i32x4.add (i32x4.shl (local.get $high2) (i32.const 12)) (local.get $low2)) (i32.const 22))
            (i32x4.shr_s (i32x4.add (i32x4.shl (local.get $high3) (i32.const 12)) (local.get $low3)) (i32.const 22)))))
      (br_if $chunk
        (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $stride))))))
