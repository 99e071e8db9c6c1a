;; Baseline JPEG (ITU T.81) to pixels, bit for bit as libjpeg with its accurate DCT and smooth ("fancy") upsampling;
;; `jpeg-decoder.ts` lays out the memory and calls these functions.
;;
;; A Huffman table is 1024 entries of 4 bytes for the next ten bits of the stream, followed (at 4096) by what longer
;; codes need: for each length the first 16-bit value that is beyond its codes (i32 × 18), the distance from code to
;; symbol number (at 4168, i32 × 18) and the symbols (at 4240, 256 bytes). An entry holds the number of bits that it
;; consumes (bits 0–7), the run of zeros (8–11), the number of bits still to be read (12–15) and, where none is, the
;; coefficient (16–31); 0 stands for a longer code. `jpeg-huffman.ts` makes it.
(module
  (memory (export "memory") 2)

  ;; The bit reader: bits left-aligned, how many of them are valid, and the address of the next byte to be read.
  (global $bits (mut i64) (i64.const 0))
  (global $count (mut i32) (i32.const 0))
  (global $next (mut i32) (i32.const 0))
  ;; Where the next MCU lies, in MCUs.
  (global $column (mut i32) (i32.const 0))
  (global $row (mut i32) (i32.const 0))

  ;; Copies entropy-coded bytes up to the next marker without their stuffed zeros. Gives the address of the marker's
  ;; 0xFF; `ends` receives where the copy ends. A marker must follow, with 16 readable bytes after it.
  (func (export "unstuff") (param $from i32) (param $to i32) (param $ends i32) (result i32)
    (local $chunk v128) (local $mask i32) (local $clean i32)
    (block $marker
      (loop $next
        (v128.store (local.get $to) (local.tee $chunk (v128.load (local.get $from))))
        (local.set $mask (i8x16.bitmask (i8x16.eq (local.get $chunk) (i8x16.splat (i32.const 255)))))
        (if (i32.eqz (local.get $mask))
          (then
            (local.set $from (i32.add (local.get $from) (i32.const 16)))
            (local.set $to (i32.add (local.get $to) (i32.const 16)))
            (br $next)))
        (local.set $clean (i32.ctz (local.get $mask)))
        (local.set $from (i32.add (local.get $from) (local.get $clean)))
        (local.set $to (i32.add (local.get $to) (local.get $clean)))
        (br_if $marker (i32.load8_u offset=1 (local.get $from)))
        (local.set $from (i32.add (local.get $from) (i32.const 2)))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (br $next)))
    ;; What is read beyond the end is zero, as libjpeg has it.
    (v128.store (local.get $to) (v128.const i32x4 0 0 0 0))
    (i32.store (local.get $ends) (local.get $to))
    (local.get $from))

  ;; Starts an image at its first MCU.
  (func (export "startImage")
    (global.set $column (i32.const 0))
    (global.set $row (i32.const 0)))

  ;; Starts a run of entropy-coded bytes.
  (func (export "startBits") (param $from i32)
    (global.set $bits (i64.const 0))
    (global.set $count (i32.const 0))
    (global.set $next (local.get $from)))

  ;; The address after the last byte of which a bit was consumed.
  (func (export "consumedTo") (result i32)
    (i32.sub (global.get $next) (i32.shr_u (global.get $count) (i32.const 3))))

  ;; The entry of a code longer than ten bits, `peek` being the stream's next 16 bits; 0 where there is no such code.
  (func $longCode (param $table i32) (param $peek i32) (result i32)
    (local $length i32) (local $at i32) (local $symbol i32)
    (local.set $length (i32.const 11))
    (local.set $at (i32.add (local.get $table) (i32.const 4140)))
    (block $found
      (loop $longer
        (br_if $found (i32.lt_u (local.get $peek) (i32.load (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br_if $longer
          (i32.le_u (local.tee $length (i32.add (local.get $length) (i32.const 1))) (i32.const 16))))
      (return (i32.const 0)))
    (local.set $symbol
      (i32.load8_u offset=4240
        (i32.add (local.get $table)
          (i32.and (i32.const 255)
            (i32.add
              (i32.shr_u (local.get $peek) (i32.sub (i32.const 16) (local.get $length)))
              (i32.load offset=72 (local.get $at)))))))
    (i32.or (local.get $length)
      (i32.or
        (i32.shl (i32.shr_u (local.get $symbol) (i32.const 4)) (i32.const 8))
        (i32.shl (i32.and (local.get $symbol) (i32.const 15)) (i32.const 12)))))

  ;; Decodes a block: 64 coefficients, dequantised, 16 bits each, in rows; `coefficients` must be zero before.
  ;; `order`: by position in the stream, the quantiser (low 16 bits) and the byte offset of the coefficient (high ones);
  ;; `prediction`: address of the component's last DC. Gives the last position that is not zero, or −1 for bad data.
  (func $block (param $dc i32) (param $ac i32) (param $order i32) (param $prediction i32) (param $coefficients i32)
    (result i32)
    (local $bits i64) (local $count i32) (local $next i32)
    (local $entry i32) (local $length i32) (local $value i32) (local $position i32) (local $last i32)
    (local.set $bits (global.get $bits))
    (local.set $count (global.get $count))
    (local.set $next (global.get $next))
    ;; The mean, as the difference to the block before.
    (if (i32.lt_s (local.get $count) (i32.const 32))
      (then
        (local.set $bits
          (i64.or (local.get $bits)
            (i64.shr_u
              (i64x2.extract_lane 0
                (i8x16.swizzle (v128.load64_zero (local.get $next))
                  (v128.const i8x16 7 6 5 4 3 2 1 0 0 0 0 0 0 0 0 0)))
              (i64.extend_i32_u (local.get $count)))))
        (local.set $next
          (i32.add (local.get $next) (i32.shr_u (i32.sub (i32.const 63) (local.get $count)) (i32.const 3))))
        (local.set $count (i32.or (local.get $count) (i32.const 56)))))
    (local.set $entry
      (i32.load
        (i32.add (local.get $dc) (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $bits) (i64.const 54))) (i32.const 2)))))
    (if (i32.eqz (local.get $entry))
      (then
        (local.set $entry
          (call $longCode (local.get $dc) (i32.wrap_i64 (i64.shr_u (local.get $bits) (i64.const 48)))))
        (if (i32.eqz (local.get $entry)) (then (return (i32.const -1))))))
    (local.set $length (i32.and (local.get $entry) (i32.const 255)))
    (local.set $bits (i64.shl (local.get $bits) (i64.extend_i32_u (local.get $length))))
    (local.set $count (i32.sub (local.get $count) (local.get $length)))
    (local.set $value (i32.shr_s (local.get $entry) (i32.const 16)))
    (local.set $length (i32.and (i32.shr_u (local.get $entry) (i32.const 12)) (i32.const 15)))
    (if (local.get $length)
      (then
        ;; A leading 0 marks a negative value: T.81, F.2.2.1.
        (local.set $value
          (i32.wrap_i64
            (i64.shr_u (local.get $bits) (i64.sub (i64.const 64) (i64.extend_i32_u (local.get $length))))))
        (if (i64.ge_s (local.get $bits) (i64.const 0))
          (then
            (local.set $value
              (i32.add (i32.sub (local.get $value) (i32.shl (i32.const 1) (local.get $length))) (i32.const 1)))))
        (local.set $bits (i64.shl (local.get $bits) (i64.extend_i32_u (local.get $length))))
        (local.set $count (i32.sub (local.get $count) (local.get $length)))))
    (local.set $value (i32.add (local.get $value) (i32.load (local.get $prediction))))
    (i32.store (local.get $prediction) (local.get $value))
    (i32.store16 (local.get $coefficients)
      (i32.mul (local.get $value) (i32.and (i32.load (local.get $order)) (i32.const 0xffff))))
    (local.set $position (i32.const 1))
    (block $done
      (loop $symbol
        (if (i32.lt_s (local.get $count) (i32.const 32))
          (then
            (local.set $bits
              (i64.or (local.get $bits)
                (i64.shr_u
                  (i64x2.extract_lane 0
                    (i8x16.swizzle (v128.load64_zero (local.get $next))
                      (v128.const i8x16 7 6 5 4 3 2 1 0 0 0 0 0 0 0 0 0)))
                  (i64.extend_i32_u (local.get $count)))))
            (local.set $next
              (i32.add (local.get $next) (i32.shr_u (i32.sub (i32.const 63) (local.get $count)) (i32.const 3))))
            (local.set $count (i32.or (local.get $count) (i32.const 56)))))
        (local.set $entry
          (i32.load
            (i32.add (local.get $ac) (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $bits) (i64.const 54))) (i32.const 2)))))
        (if (i32.eqz (local.get $entry))
          (then
            (local.set $entry
              (call $longCode (local.get $ac) (i32.wrap_i64 (i64.shr_u (local.get $bits) (i64.const 48)))))
            (if (i32.eqz (local.get $entry)) (then (return (i32.const -1))))))
        (local.set $length (i32.and (local.get $entry) (i32.const 255)))
        (local.set $bits (i64.shl (local.get $bits) (i64.extend_i32_u (local.get $length))))
        (local.set $count (i32.sub (local.get $count) (local.get $length)))
        (local.set $value (i32.shr_s (local.get $entry) (i32.const 16)))
        (local.set $length (i32.and (i32.shr_u (local.get $entry) (i32.const 12)) (i32.const 15)))
        (if (local.get $length)
          (then
            ;; A leading 0 marks a negative value: T.81, F.2.2.1.
            (local.set $value
              (i32.wrap_i64
                (i64.shr_u (local.get $bits) (i64.sub (i64.const 64) (i64.extend_i32_u (local.get $length))))))
            (if (i64.ge_s (local.get $bits) (i64.const 0))
              (then
                (local.set $value
                  (i32.add (i32.sub (local.get $value) (i32.shl (i32.const 1) (local.get $length))) (i32.const 1)))))
            (local.set $bits (i64.shl (local.get $bits) (i64.extend_i32_u (local.get $length))))
            (local.set $count (i32.sub (local.get $count) (local.get $length)))))
        (local.set $length (i32.and (i32.shr_u (local.get $entry) (i32.const 8)) (i32.const 15)))
        (if (i32.eqz (local.get $value))
          (then
            ;; The end of the block, or sixteen zeros.
            (br_if $done (i32.ne (local.get $length) (i32.const 15)))
            (br_if $symbol
              (i32.lt_u (local.tee $position (i32.add (local.get $position) (i32.const 16))) (i32.const 64)))
            (return (i32.const -1))))
        (local.set $position (i32.add (local.get $position) (local.get $length)))
        (if (i32.gt_u (local.get $position) (i32.const 63)) (then (return (i32.const -1))))
        (local.set $last (local.get $position))
        (local.set $entry
          (i32.load (i32.add (local.get $order) (i32.shl (local.get $position) (i32.const 2)))))
        (i32.store16
          (i32.add (local.get $coefficients) (i32.shr_u (local.get $entry) (i32.const 16)))
          (i32.mul (local.get $value) (i32.and (local.get $entry) (i32.const 0xffff))))
        (br_if $symbol
          (i32.lt_u (local.tee $position (i32.add (local.get $position) (i32.const 1))) (i32.const 64)))))
    (global.set $bits (local.get $bits))
    (global.set $count (local.get $count))
    (global.set $next (local.get $next))
    (local.get $last))

  ;; One pass of the inverse DCT: the eight columns of 16-bit values at `from`, their results as rows at `to`. Loeffler,
  ;; Ligtenberg and Moschytz 1989 with 13-bit constants, as libjpeg's `jpeg_idct_islow`; sums of products are paired
  ;; for `i32x4.dot_i16x8_s`, which changes no bit. `halves`: 2, or 1 for the first four columns alone.
  (func $inversePass (param $from i32) (param $to i32) (param $round i32) (param $shift i32) (param $halves i32)
    (local $r1 v128) (local $r3 v128) (local $r5 v128) (local $r7 v128)
    (local $sum v128) (local $difference v128) (local $even v128) (local $odd v128)
    (local $t0 v128) (local $t1 v128) (local $t2 v128) (local $t3 v128)
    (local $e0 v128) (local $e1 v128) (local $e2 v128) (local $e3 v128)
    (local $z3 v128) (local $z4 v128) (local $rounding v128)
    (local.set $rounding (i32x4.splat (local.get $round)))
    (loop $columns
      ;; Even part.
      (local.set $e0 (v128.load64_zero (local.get $from)))
      (local.set $e1 (v128.load64_zero offset=64 (local.get $from)))
      (local.set $sum
        (i32x4.shl (i32x4.extend_low_i16x8_s (i16x8.add (local.get $e0) (local.get $e1))) (i32.const 13)))
      (local.set $difference
        (i32x4.shl (i32x4.extend_low_i16x8_s (i16x8.sub (local.get $e0) (local.get $e1))) (i32.const 13)))
      (local.set $even
        (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23
          (v128.load64_zero offset=32 (local.get $from))
          (v128.load64_zero offset=96 (local.get $from))))
      ;; 4433 = 0.541196100, 6270 = 0.765366865, 15137 = 1.847759065
      (local.set $t3
        (i32x4.dot_i16x8_s (local.get $even) (v128.const i16x8 10703 4433 10703 4433 10703 4433 10703 4433)))
      (local.set $t2
        (i32x4.dot_i16x8_s (local.get $even) (v128.const i16x8 4433 -10704 4433 -10704 4433 -10704 4433 -10704)))
      (local.set $sum (i32x4.add (local.get $sum) (local.get $rounding)))
      (local.set $difference (i32x4.add (local.get $difference) (local.get $rounding)))
      (local.set $e0 (i32x4.add (local.get $sum) (local.get $t3)))
      (local.set $e3 (i32x4.sub (local.get $sum) (local.get $t3)))
      (local.set $e1 (i32x4.add (local.get $difference) (local.get $t2)))
      (local.set $e2 (i32x4.sub (local.get $difference) (local.get $t2)))
      ;; Odd part.
      (local.set $r1 (v128.load64_zero offset=16 (local.get $from)))
      (local.set $r3 (v128.load64_zero offset=48 (local.get $from)))
      (local.set $r5 (v128.load64_zero offset=80 (local.get $from)))
      (local.set $r7 (v128.load64_zero offset=112 (local.get $from)))
      (local.set $odd
        (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23
          (i16x8.add (local.get $r7) (local.get $r3))
          (i16x8.add (local.get $r5) (local.get $r1))))
      ;; 9633 = 1.175875602, 16069 = 1.961570560, 3196 = 0.390180644
      (local.set $z3
        (i32x4.dot_i16x8_s (local.get $odd) (v128.const i16x8 -6436 9633 -6436 9633 -6436 9633 -6436 9633)))
      (local.set $z4
        (i32x4.dot_i16x8_s (local.get $odd) (v128.const i16x8 9633 6437 9633 6437 9633 6437 9633 6437)))
      (local.set $odd
        (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $r7) (local.get $r1)))
      ;; 2446 = 0.298631336, 7373 = 0.899976223, 12299 = 1.501321110
      (local.set $t0
        (i32x4.add (local.get $z3)
          (i32x4.dot_i16x8_s (local.get $odd) (v128.const i16x8 -4927 -7373 -4927 -7373 -4927 -7373 -4927 -7373))))
      (local.set $t3
        (i32x4.add (local.get $z4)
          (i32x4.dot_i16x8_s (local.get $odd) (v128.const i16x8 -7373 4926 -7373 4926 -7373 4926 -7373 4926))))
      (local.set $odd
        (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $r5) (local.get $r3)))
      ;; 16819 = 2.053119869, 20995 = 2.562915447, 25172 = 3.072711026
      (local.set $t1
        (i32x4.add (local.get $z4)
          (i32x4.dot_i16x8_s (local.get $odd)
            (v128.const i16x8 -4176 -20995 -4176 -20995 -4176 -20995 -4176 -20995))))
      (local.set $t2
        (i32x4.add (local.get $z3)
          (i32x4.dot_i16x8_s (local.get $odd) (v128.const i16x8 -20995 4177 -20995 4177 -20995 4177 -20995 4177))))
      ;; Rows 0 and 4, 1 and 5, 2 and 6, 3 and 7 of these four columns, in 16 bits.
      (local.set $r1
        (i16x8.narrow_i32x4_s
          (i32x4.shr_s (i32x4.add (local.get $e0) (local.get $t3)) (local.get $shift))
          (i32x4.shr_s (i32x4.sub (local.get $e3) (local.get $t0)) (local.get $shift))))
      (local.set $r3
        (i16x8.narrow_i32x4_s
          (i32x4.shr_s (i32x4.add (local.get $e1) (local.get $t2)) (local.get $shift))
          (i32x4.shr_s (i32x4.sub (local.get $e2) (local.get $t1)) (local.get $shift))))
      (local.set $r5
        (i16x8.narrow_i32x4_s
          (i32x4.shr_s (i32x4.add (local.get $e2) (local.get $t1)) (local.get $shift))
          (i32x4.shr_s (i32x4.sub (local.get $e1) (local.get $t2)) (local.get $shift))))
      (local.set $r7
        (i16x8.narrow_i32x4_s
          (i32x4.shr_s (i32x4.add (local.get $e3) (local.get $t0)) (local.get $shift))
          (i32x4.shr_s (i32x4.sub (local.get $e0) (local.get $t3)) (local.get $shift))))
      ;; Transposed by interleaving, for which processors have instructions.
      (local.set $e0
        (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $r1) (local.get $r5)))
      (local.set $e1
        (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $r3) (local.get $r7)))
      (local.set $e2
        (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $r1) (local.get $r5)))
      (local.set $e3
        (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $r3) (local.get $r7)))
      (local.set $t0
        (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $e0) (local.get $e1)))
      (local.set $t1
        (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $e2) (local.get $e3)))
      (local.set $t2
        (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $e0) (local.get $e1)))
      (local.set $t3
        (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $e2) (local.get $e3)))
      (v128.store (local.get $to)
        (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $t0) (local.get $t1)))
      (v128.store offset=16 (local.get $to)
        (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $t0) (local.get $t1)))
      (v128.store offset=32 (local.get $to)
        (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $t2) (local.get $t3)))
      (v128.store offset=48 (local.get $to)
        (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $t2) (local.get $t3)))
      (local.set $from (i32.add (local.get $from) (i32.const 8)))
      (local.set $to (i32.add (local.get $to) (i32.const 64)))
      (br_if $columns (local.tee $halves (i32.sub (local.get $halves) (i32.const 1))))))

  ;; The samples of a block at `to`; clears its coefficients. `scratch`: 256 bytes.
  (func $inverse (param $coefficients i32) (param $last i32) (param $scratch i32) (param $to i32) (param $stride i32)
    (local $flat v128) (local $zero v128)
    (if (i32.eqz (local.get $last))
      (then
        ;; Only the mean: (4 · DC + 16) >> 5 is what both passes come to; between them it has 16 bits.
        (local.set $flat
          (i16x8.splat
            (i32.shr_s
              (i32.add
                (i32.extend16_s (i32.shl (i32.load16_s (local.get $coefficients)) (i32.const 2)))
                (i32.const 16))
              (i32.const 5))))
        (local.set $flat
          (i8x16.add
            (i8x16.narrow_i16x8_s (local.get $flat) (local.get $flat))
            (i8x16.splat (i32.const 128))))
        (i32.store16 (local.get $coefficients) (i32.const 0))
        (local.set $last (i32.const 8))
        (loop $row
          (v128.store64_lane 0 (local.get $to) (local.get $flat))
          (local.set $to (i32.add (local.get $to) (local.get $stride)))
          (br_if $row (local.tee $last (i32.sub (local.get $last) (i32.const 1)))))
        (return)))
    ;; The first ten coefficients lie in the first four columns.
    (call $inversePass (local.get $coefficients) (local.get $scratch) (i32.const 0x400) (i32.const 11)
      (select (i32.const 1) (i32.const 2) (i32.lt_u (local.get $last) (i32.const 10))))
    (if (i32.lt_u (local.get $last) (i32.const 10))
      (then
        (v128.store offset=64 (local.get $scratch) (local.get $zero))
        (v128.store offset=80 (local.get $scratch) (local.get $zero))
        (v128.store offset=96 (local.get $scratch) (local.get $zero))
        (v128.store offset=112 (local.get $scratch) (local.get $zero))))
    (v128.store (local.get $coefficients) (local.get $zero))
    (v128.store offset=16 (local.get $coefficients) (local.get $zero))
    (v128.store offset=32 (local.get $coefficients) (local.get $zero))
    (v128.store offset=48 (local.get $coefficients) (local.get $zero))
    (v128.store offset=64 (local.get $coefficients) (local.get $zero))
    (v128.store offset=80 (local.get $coefficients) (local.get $zero))
    (v128.store offset=96 (local.get $coefficients) (local.get $zero))
    (v128.store offset=112 (local.get $coefficients) (local.get $zero))
    (call $inversePass
      (local.get $scratch) (i32.add (local.get $scratch) (i32.const 128)) (i32.const 0x20000) (i32.const 18)
      (i32.const 2))
    (local.set $scratch (i32.add (local.get $scratch) (i32.const 128)))
    (local.set $last (i32.const 4))
    (loop $rows
      (local.set $flat
        (i8x16.add
          (i8x16.narrow_i16x8_s (v128.load (local.get $scratch)) (v128.load offset=16 (local.get $scratch)))
          (i8x16.splat (i32.const 128))))
      (v128.store64_lane 0 (local.get $to) (local.get $flat))
      (v128.store64_lane 1 (i32.add (local.get $to) (local.get $stride)) (local.get $flat))
      (local.set $scratch (i32.add (local.get $scratch) (i32.const 32)))
      (local.set $to (i32.add (local.get $to) (i32.shl (local.get $stride) (i32.const 1))))
      (br_if $rows (local.tee $last (i32.sub (local.get $last) (i32.const 1))))))

  ;; Decodes `numMcus` MCUs and turns those of columns [left, right) from row `top` on into samples. `blocks`: for each
  ;; block of an MCU, eight i32: its DC and AC tables, its order, its prediction, and where its samples go: the
  ;; address in the first MCU, the distance from MCU to MCU and from row to row of them, and the stride.
  ;; `scratch`: 384 bytes, the first 128 zero. Gives 0, or 1 for bad data.
  (func (export "decodeMcus")
    (param $numMcus i32) (param $blocks i32) (param $numBlocks i32) (param $numColumns i32)
    (param $left i32) (param $right i32) (param $top i32) (param $scratch i32)
    (result i32)
    (local $at i32) (local $end i32) (local $last i32) (local $column i32) (local $row i32) (local $wanted i32)
    (local $zero v128)
    (local.set $column (global.get $column))
    (local.set $row (global.get $row))
    (local.set $end (i32.add (local.get $blocks) (i32.shl (local.get $numBlocks) (i32.const 5))))
    (block $done
      (loop $mcu
        (br_if $done (i32.eqz (local.get $numMcus)))
        (local.set $at (local.get $blocks))
        (local.set $wanted
          (i32.and
            (i32.ge_s (local.get $row) (local.get $top))
            (i32.lt_u
              (i32.sub (local.get $column) (local.get $left))
              (i32.sub (local.get $right) (local.get $left)))))
        (loop $block
          (local.set $last
            (call $block
              (i32.load (local.get $at)) (i32.load offset=4 (local.get $at)) (i32.load offset=8 (local.get $at))
              (i32.load offset=12 (local.get $at)) (local.get $scratch)))
          (if (i32.lt_s (local.get $last) (i32.const 0)) (then (return (i32.const 1))))
          (if (local.get $wanted)
            (then
              (call $inverse (local.get $scratch) (local.get $last) (i32.add (local.get $scratch) (i32.const 128))
                (i32.add (i32.load offset=16 (local.get $at))
                  (i32.add
                    (i32.mul (i32.sub (local.get $column) (local.get $left)) (i32.load offset=20 (local.get $at)))
                    (i32.mul (i32.sub (local.get $row) (local.get $top)) (i32.load offset=24 (local.get $at)))))
                (i32.load offset=28 (local.get $at))))
            (else
              (v128.store (local.get $scratch) (local.get $zero))
              (v128.store offset=16 (local.get $scratch) (local.get $zero))
              (v128.store offset=32 (local.get $scratch) (local.get $zero))
              (v128.store offset=48 (local.get $scratch) (local.get $zero))
              (v128.store offset=64 (local.get $scratch) (local.get $zero))
              (v128.store offset=80 (local.get $scratch) (local.get $zero))
              (v128.store offset=96 (local.get $scratch) (local.get $zero))
              (v128.store offset=112 (local.get $scratch) (local.get $zero))))
          (br_if $block
            (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 32))) (local.get $end))))
        (local.set $column (i32.add (local.get $column) (i32.const 1)))
        (if (i32.eq (local.get $column) (local.get $numColumns))
          (then
            (local.set $column (i32.const 0))
            (local.set $row (i32.add (local.get $row) (i32.const 1)))))
        (local.set $numMcus (i32.sub (local.get $numMcus) (i32.const 1)))
        (br $mcu)))
    (global.set $column (local.get $column))
    (global.set $row (local.get $row))
    (i32.const 0))

  ;; One row of chroma at twice its width: each sample weighs 3/4 and its neighbours 1/4, first of the rows `near` and
  ;; `far`, then sideways (`h2v2_fancy_upsample`; with `far` = `near`, `h2v1_fancy_upsample`). `count` samples are read
  ;; and the first and the last are their own neighbours. `sums`: 2 · count + 32 bytes; `to`: 2 · count + 16.
  (func (export "upsampleRow")
    (param $near i32) (param $far i32) (param $count i32) (param $roundEven i32) (param $roundOdd i32)
    (param $sums i32) (param $to i32)
    (local $at i32) (local $center v128) (local $end i32) (local $even v128) (local $odd v128)
    (local.set $even (i16x8.splat (local.get $roundEven)))
    (local.set $odd (i16x8.splat (local.get $roundOdd)))
    (loop $vertical
      (local.set $center (v128.load8x8_u (i32.add (local.get $near) (local.get $at))))
      (v128.store offset=2 (i32.add (local.get $sums) (i32.shl (local.get $at) (i32.const 1)))
        (i16x8.add
          (i16x8.add (local.get $center) (i16x8.shl (local.get $center) (i32.const 1)))
          (v128.load8x8_u (i32.add (local.get $far) (local.get $at)))))
      (br_if $vertical
        (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (local.get $count))))
    (i32.store16 (local.get $sums) (i32.load16_u offset=2 (local.get $sums)))
    (local.set $end (i32.add (local.get $sums) (i32.shl (local.get $count) (i32.const 1))))
    (i32.store16 offset=2 (local.get $end) (i32.load16_u (local.get $end)))
    (loop $horizontal
      (local.set $center (v128.load offset=2 (local.get $sums)))
      (local.set $center (i16x8.add (local.get $center) (i16x8.shl (local.get $center) (i32.const 1))))
      (v128.store (local.get $to)
        (v128.or
          (i16x8.shr_u
            (i16x8.add (i16x8.add (local.get $center) (v128.load (local.get $sums))) (local.get $even))
            (i32.const 4))
          (i16x8.shl
            (i16x8.shr_u
              (i16x8.add (i16x8.add (local.get $center) (v128.load offset=4 (local.get $sums))) (local.get $odd))
              (i32.const 4))
            (i32.const 8))))
      (local.set $to (i32.add (local.get $to) (i32.const 16)))
      (br_if $horizontal
        (i32.lt_u (local.tee $sums (i32.add (local.get $sums) (i32.const 16))) (local.get $end)))))

  ;; `count` pixels of Y, Cb and Cr as RGB (JFIF 1.02); whole groups of 16 are read and written.
  ;; R = Y + 1.40200 Cr, G = Y − 0.34414 Cb − 0.71414 Cr, B = Y + 1.77200 Cb, in 16-bit fixed point as libjpeg has it;
  ;; whole multiples of Cb and Cr are split off so that the weights fit in 16 bits.
  (func (export "convertRow") (param $y i32) (param $cb i32) (param $cr i32) (param $to i32) (param $count i32)
    (local $half i32) (local $luma v128) (local $blue v128) (local $red v128) (local $low v128) (local $high v128)
    (local $r v128) (local $g v128) (local $b v128) (local $r0 v128) (local $g0 v128) (local $b0 v128)
    (local $rounding v128)
    (local.set $rounding (i32x4.splat (i32.const 0x8000)))
    (loop $pixels
      (local.set $half (i32.const 2))
      (loop $eight
        (local.set $luma (v128.load8x8_u (local.get $y)))
        (local.set $blue (i16x8.sub (v128.load8x8_u (local.get $cb)) (i16x8.splat (i32.const 128))))
        (local.set $red (i16x8.sub (v128.load8x8_u (local.get $cr)) (i16x8.splat (i32.const 128))))
        (local.set $low
          (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $blue) (local.get $red)))
        (local.set $high
          (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $blue) (local.get $red)))
        (local.set $r
          (i16x8.add
            (i16x8.add (local.get $luma) (local.get $red))
            (i16x8.narrow_i32x4_s
              (i32x4.shr_s
                (i32x4.add (i32x4.dot_i16x8_s (local.get $low) (v128.const i16x8 0 26345 0 26345 0 26345 0 26345)) (local.get $rounding))
                (i32.const 16))
              (i32x4.shr_s
                (i32x4.add (i32x4.dot_i16x8_s (local.get $high) (v128.const i16x8 0 26345 0 26345 0 26345 0 26345)) (local.get $rounding))
                (i32.const 16)))))
        (local.set $g
          (i16x8.add
            (i16x8.sub (local.get $luma) (local.get $red))
            (i16x8.narrow_i32x4_s
              (i32x4.shr_s
                (i32x4.add (i32x4.dot_i16x8_s (local.get $low) (v128.const i16x8 -22554 18734 -22554 18734 -22554 18734 -22554 18734)) (local.get $rounding))
                (i32.const 16))
              (i32x4.shr_s
                (i32x4.add (i32x4.dot_i16x8_s (local.get $high) (v128.const i16x8 -22554 18734 -22554 18734 -22554 18734 -22554 18734)) (local.get $rounding))
                (i32.const 16)))))
        (local.set $b
          (i16x8.add
            (i16x8.add (local.get $luma) (i16x8.shl (local.get $blue) (i32.const 1)))
            (i16x8.narrow_i32x4_s
              (i32x4.shr_s
                (i32x4.add (i32x4.dot_i16x8_s (local.get $low) (v128.const i16x8 -14942 0 -14942 0 -14942 0 -14942 0)) (local.get $rounding))
                (i32.const 16))
              (i32x4.shr_s
                (i32x4.add (i32x4.dot_i16x8_s (local.get $high) (v128.const i16x8 -14942 0 -14942 0 -14942 0 -14942 0)) (local.get $rounding))
                (i32.const 16)))))
        (local.set $y (i32.add (local.get $y) (i32.const 8)))
        (local.set $cb (i32.add (local.get $cb) (i32.const 8)))
        (local.set $cr (i32.add (local.get $cr) (i32.const 8)))
        (local.set $half (i32.sub (local.get $half) (i32.const 1)))
        (if (local.get $half)
          (then
            (local.set $r0 (local.get $r))
            (local.set $g0 (local.get $g))
            (local.set $b0 (local.get $b))
            (br $eight))))
      (local.set $r (i8x16.narrow_i16x8_u (local.get $r0) (local.get $r)))
      (local.set $g (i8x16.narrow_i16x8_u (local.get $g0) (local.get $g)))
      (local.set $b (i8x16.narrow_i16x8_u (local.get $b0) (local.get $b)))
      ;; Four pixels at a time as RGBB, of which 12 bytes are kept: the next store covers the rest.
      (local.set $low
        (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $r) (local.get $g)))
      (local.set $high
        (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $b) (local.get $b)))
      (v128.store (local.get $to)
        (i8x16.swizzle (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $low) (local.get $high)) (v128.const i8x16 0 1 2 4 5 6 8 9 10 12 13 14 0 0 0 0)))
      (v128.store offset=12 (local.get $to)
        (i8x16.swizzle (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $low) (local.get $high)) (v128.const i8x16 0 1 2 4 5 6 8 9 10 12 13 14 0 0 0 0)))
      (local.set $low
        (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $r) (local.get $g)))
      (local.set $high
        (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $b) (local.get $b)))
      (v128.store offset=24 (local.get $to)
        (i8x16.swizzle (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $low) (local.get $high)) (v128.const i8x16 0 1 2 4 5 6 8 9 10 12 13 14 0 0 0 0)))
      (v128.store offset=36 (local.get $to)
        (i8x16.swizzle (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $low) (local.get $high)) (v128.const i8x16 0 1 2 4 5 6 8 9 10 12 13 14 0 0 0 0)))
      (local.set $to (i32.add (local.get $to) (i32.const 48)))
      (br_if $pixels
        (i32.gt_s (local.tee $count (i32.sub (local.get $count) (i32.const 16))) (i32.const 0))))))
