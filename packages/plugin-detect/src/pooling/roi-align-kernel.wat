;; The one operation that pooling regions and its gradient are made of: a weighted sum of vectors, whose sums stay in
;; registers. `weighted-sum.ts` calls it, and has the same in TypeScript, equal to the last bit.
(module
  (memory (export "memory") 1)

  ;; out[i] = (keep ? out[i] : 0) + Σ weights[k] · input[k][i] for `count` vectors, in the order of k.
  ;; `stride`, `weightStride`: bytes between vectors and between weights; `bytes`: of one vector, a multiple of 16.
  (func (export "weightedSum")
    (param $out i32) (param $input i32) (param $stride i32) (param $weights i32) (param $weightStride i32)
    (param $count i32) (param $bytes i32) (param $keep i32)
    (local $end i32) (local $from i32) (local $weight i32) (local $left i32) (local $w v128)
    (local $sum0 v128) (local $sum1 v128) (local $sum2 v128) (local $sum3 v128)
    (local.set $end (i32.add (local.get $out) (i32.and (local.get $bytes) (i32.const -64))))
    (block $wide_done
      (loop $wide
        (br_if $wide_done (i32.ge_u (local.get $out) (local.get $end)))
        (if (local.get $keep)
          (then
            (local.set $sum0 (v128.load (local.get $out)))
            (local.set $sum1 (v128.load offset=16 (local.get $out)))
            (local.set $sum2 (v128.load offset=32 (local.get $out)))
            (local.set $sum3 (v128.load offset=48 (local.get $out))))
          (else
            (local.set $sum0 (v128.const i32x4 0 0 0 0))
            (local.set $sum1 (local.get $sum0))
            (local.set $sum2 (local.get $sum0))
            (local.set $sum3 (local.get $sum0))))
        (local.set $from (local.get $input))
        (local.set $weight (local.get $weights))
        (local.set $left (local.get $count))
        (block $none
          (loop $vector
            (br_if $none (i32.eqz (local.get $left)))
            (local.set $w (v128.load32_splat (local.get $weight)))
            (local.set $sum0 (f32x4.add (local.get $sum0) (f32x4.mul (local.get $w) (v128.load (local.get $from)))))
            (local.set $sum1
              (f32x4.add (local.get $sum1) (f32x4.mul (local.get $w) (v128.load offset=16 (local.get $from)))))
            (local.set $sum2
              (f32x4.add (local.get $sum2) (f32x4.mul (local.get $w) (v128.load offset=32 (local.get $from)))))
            (local.set $sum3
              (f32x4.add (local.get $sum3) (f32x4.mul (local.get $w) (v128.load offset=48 (local.get $from)))))
            (local.set $from (i32.add (local.get $from) (local.get $stride)))
            (local.set $weight (i32.add (local.get $weight) (local.get $weightStride)))
            (local.set $left (i32.sub (local.get $left) (i32.const 1)))
            (br $vector)))
        (v128.store (local.get $out) (local.get $sum0))
        (v128.store offset=16 (local.get $out) (local.get $sum1))
        (v128.store offset=32 (local.get $out) (local.get $sum2))
        (v128.store offset=48 (local.get $out) (local.get $sum3))
        (local.set $out (i32.add (local.get $out) (i32.const 64)))
        (local.set $input (i32.add (local.get $input) (i32.const 64)))
        (br $wide)))
    (local.set $end (i32.add (local.get $out) (i32.and (local.get $bytes) (i32.const 63))))
    (block $done
      (loop $narrow
        (br_if $done (i32.ge_u (local.get $out) (local.get $end)))
        (local.set $sum0
          (if (result v128) (local.get $keep)
            (then (v128.load (local.get $out)))
            (else (v128.const i32x4 0 0 0 0))))
        (local.set $from (local.get $input))
        (local.set $weight (local.get $weights))
        (local.set $left (local.get $count))
        (block $none
          (loop $vector
            (br_if $none (i32.eqz (local.get $left)))
            (local.set $sum0
              (f32x4.add (local.get $sum0)
                (f32x4.mul (v128.load32_splat (local.get $weight)) (v128.load (local.get $from)))))
            (local.set $from (i32.add (local.get $from) (local.get $stride)))
            (local.set $weight (i32.add (local.get $weight) (local.get $weightStride)))
            (local.set $left (i32.sub (local.get $left) (i32.const 1)))
            (br $vector)))
        (v128.store (local.get $out) (local.get $sum0))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (local.set $input (i32.add (local.get $input) (i32.const 16)))
        (br $narrow)))))
