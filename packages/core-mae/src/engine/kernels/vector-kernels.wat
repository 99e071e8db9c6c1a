;; Optimizer kernels over float32 arrays in the imported memory, four elements at a time.
;; Pointers are byte offsets, $end is the byte offset after the last element of the first array; lengths are multiples
;; of four elements (the few left over are done in TypeScript). The order of operations is that of `plain.ts`, so that
;; results are equal to the last bit.
(module
  (import "arena" "memory" (memory 0))

  ;; m += gainM (g - m);  v = decayV v + gainV g g;  p = p keep - stepSize m / (sqrt(v) rootScale + eps)
  (func (export "adamw")
    (param $p i32) (param $g i32) (param $m i32) (param $v i32) (param $end i32)
    (param $keep f32) (param $gainM f32) (param $decayV f32) (param $gainV f32)
    (param $rootScale f32) (param $eps f32) (param $stepSize f32)
    (local $gradient v128) (local $mean v128) (local $square v128)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $p) (local.get $end)))
        (local.set $gradient (v128.load (local.get $g)))
        (local.set $mean (v128.load (local.get $m)))
        (local.set $mean
          (f32x4.add (local.get $mean)
            (f32x4.mul (f32x4.splat (local.get $gainM)) (f32x4.sub (local.get $gradient) (local.get $mean)))))
        (v128.store (local.get $m) (local.get $mean))
        (local.set $square
          (f32x4.add
            (f32x4.mul (f32x4.splat (local.get $decayV)) (v128.load (local.get $v)))
            (f32x4.mul (f32x4.splat (local.get $gainV)) (f32x4.mul (local.get $gradient) (local.get $gradient)))))
        (v128.store (local.get $v) (local.get $square))
        (v128.store (local.get $p)
          (f32x4.sub
            (f32x4.mul (v128.load (local.get $p)) (f32x4.splat (local.get $keep)))
            (f32x4.div
              (f32x4.mul (f32x4.splat (local.get $stepSize)) (local.get $mean))
              (f32x4.add
                (f32x4.mul (f32x4.sqrt (local.get $square)) (f32x4.splat (local.get $rootScale)))
                (f32x4.splat (local.get $eps))))))
        (local.set $p (i32.add (local.get $p) (i32.const 16)))
        (local.set $g (i32.add (local.get $g) (i32.const 16)))
        (local.set $m (i32.add (local.get $m) (i32.const 16)))
        (local.set $v (i32.add (local.get $v) (i32.const 16)))
        (br $next))))

  ;; d = (g + decay p) trust;  b = momentum b + d;  p -= lr b
  (func (export "lars")
    (param $p i32) (param $g i32) (param $b i32) (param $end i32)
    (param $decay f32) (param $trust f32) (param $momentum f32) (param $lr f32)
    (local $weight v128) (local $moved v128)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $p) (local.get $end)))
        (local.set $weight (v128.load (local.get $p)))
        (local.set $moved
          (f32x4.add
            (f32x4.mul (f32x4.splat (local.get $momentum)) (v128.load (local.get $b)))
            (f32x4.mul
              (f32x4.add (v128.load (local.get $g)) (f32x4.mul (f32x4.splat (local.get $decay)) (local.get $weight)))
              (f32x4.splat (local.get $trust)))))
        (v128.store (local.get $b) (local.get $moved))
        (v128.store (local.get $p)
          (f32x4.sub (local.get $weight) (f32x4.mul (f32x4.splat (local.get $lr)) (local.get $moved))))
        (local.set $p (i32.add (local.get $p) (i32.const 16)))
        (local.set $g (i32.add (local.get $g) (i32.const 16)))
        (local.set $b (i32.add (local.get $b) (i32.const 16)))
        (br $next))))

  ;; x += scale y
  (func (export "accumulate") (param $x i32) (param $y i32) (param $end i32) (param $scale f32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $x) (local.get $end)))
        (v128.store (local.get $x)
          (f32x4.add
            (v128.load (local.get $x))
            (f32x4.mul (f32x4.splat (local.get $scale)) (v128.load (local.get $y)))))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (local.set $y (i32.add (local.get $y) (i32.const 16)))
        (br $next))))

  ;; x *= factor
  (func (export "scale") (param $x i32) (param $end i32) (param $factor f32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $x) (local.get $end)))
        (v128.store (local.get $x) (f32x4.mul (v128.load (local.get $x)) (f32x4.splat (local.get $factor))))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (br $next))))

  ;; x += weight (y - x)
  (func (export "lerp") (param $x i32) (param $y i32) (param $end i32) (param $weight f32)
    (local $old v128)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $x) (local.get $end)))
        (local.set $old (v128.load (local.get $x)))
        (v128.store (local.get $x)
          (f32x4.add (local.get $old)
            (f32x4.mul (f32x4.splat (local.get $weight)) (f32x4.sub (v128.load (local.get $y)) (local.get $old)))))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (local.set $y (i32.add (local.get $y) (i32.const 16)))
        (br $next))))

  ;; Sums of x^2 over elements 0, 4, 8, ...; 1, 5, ...; 2, 6, ...; 3, 7, ..., in float64.
  (func (export "squares") (param $x i32) (param $end i32) (result f64 f64 f64 f64)
    (local $value v128) (local $low v128) (local $high v128) (local $wide v128)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $x) (local.get $end)))
        (local.set $value (v128.load (local.get $x)))
        (local.set $wide (f64x2.promote_low_f32x4 (local.get $value)))
        (local.set $low (f64x2.add (local.get $low) (f64x2.mul (local.get $wide) (local.get $wide))))
        (local.set $wide
          (f64x2.promote_low_f32x4
            (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $value) (local.get $value))))
        (local.set $high (f64x2.add (local.get $high) (f64x2.mul (local.get $wide) (local.get $wide))))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (br $next)))
    (f64x2.extract_lane 0 (local.get $low))
    (f64x2.extract_lane 1 (local.get $low))
    (f64x2.extract_lane 0 (local.get $high))
    (f64x2.extract_lane 1 (local.get $high)))

  ;; The same of (x + decay y)^2.
  (func (export "decayedSquares") (param $x i32) (param $y i32) (param $end i32) (param $decay f32)
    (result f64 f64 f64 f64)
    (local $value v128) (local $low v128) (local $high v128) (local $wide v128)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $x) (local.get $end)))
        (local.set $value
          (f32x4.add
            (v128.load (local.get $x))
            (f32x4.mul (f32x4.splat (local.get $decay)) (v128.load (local.get $y)))))
        (local.set $wide (f64x2.promote_low_f32x4 (local.get $value)))
        (local.set $low (f64x2.add (local.get $low) (f64x2.mul (local.get $wide) (local.get $wide))))
        (local.set $wide
          (f64x2.promote_low_f32x4
            (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $value) (local.get $value))))
        (local.set $high (f64x2.add (local.get $high) (f64x2.mul (local.get $wide) (local.get $wide))))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (local.set $y (i32.add (local.get $y) (i32.const 16)))
        (br $next)))
    (f64x2.extract_lane 0 (local.get $low))
    (f64x2.extract_lane 1 (local.get $low))
    (f64x2.extract_lane 0 (local.get $high))
    (f64x2.extract_lane 1 (local.get $high))))
