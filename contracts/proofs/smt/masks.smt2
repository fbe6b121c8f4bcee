; Sets of seats at the end of a job (Ending._finish): what the masks of a ruling are made of stays inside the seats that committed, and
; every seat that committed is in exactly one of five sets. All 16-bit masks. Each (check-sat) must say unsat.
(set-logic QF_BV)
(declare-const seats (_ BitVec 16))
(declare-const committed (_ BitVec 16))
(declare-const equivocated (_ BitVec 16))
(declare-const opened (_ BitVec 16))
(declare-const verdict (_ BitVec 16))
(declare-const clique (_ BitVec 16))
(define-fun subset ((a (_ BitVec 16)) (b (_ BitVec 16))) Bool (= (bvand a (bvnot b)) #x0000))
; Whatever entered the job's word: _requireVerdict, _requireOpens, proveEquivocation and proveFalseClaim (of a seat that committed, or whose bit
; _close takes away if it does not).
(assert (subset committed seats))
(assert (subset equivocated committed))
(assert (subset opened committed))
(assert (subset verdict committed))
; MajorityLib names seats of the openings only.
(assert (subset clique opened))
(define-fun agreedOf ((ruled (_ BitVec 16))) (_ BitVec 16) (bvand ruled (bvnot equivocated)))
; By verdict: nobody is undecided or absent.
(define-fun deviated ((agreed (_ BitVec 16)) (undecided (_ BitVec 16)) (absent (_ BitVec 16))) (_ BitVec 16)
  (bvand committed (bvnot (bvor agreed undecided absent equivocated))))
(define-fun partition ((agreed (_ BitVec 16)) (undecided (_ BitVec 16)) (absent (_ BitVec 16))) Bool
  (let ((rest (deviated agreed undecided absent)))
    (and (= (bvor agreed undecided absent equivocated rest) committed)
      (= #x0000 (bvand agreed undecided) (bvand agreed absent) (bvand undecided absent) (bvand equivocated (bvor agreed undecided absent)) (bvand rest (bvor agreed undecided absent equivocated)))
      (subset agreed seats))))
(push)
(assert (not (partition (agreedOf verdict) #x0000 #x0000)))
(check-sat)
(pop)
; By the contract's own majority: undecided where there is none, absent who did not open.
(define-fun ruled () (_ BitVec 16) (bvand clique (bvnot equivocated)))
(define-fun undecidedBefore () (_ BitVec 16) (ite (= ruled #x0000) opened #x0000))
(push)
(assert (not (partition (agreedOf ruled) (bvand undecidedBefore (bvnot equivocated)) (bvand committed (bvnot opened) (bvnot equivocated)))))
(check-sat)
(pop)
; A client that lost: the wronged are among those that agreed.
(push)
(assert (not (subset (bvand ruled (bvnot verdict)) ruled)))
(check-sat)
(pop)
