"""Measurements for developers: `python -m benchmarks.NAME`.

steps                a training step of each workload  → docs/benchmarks.md
scaling              a step as the net or batch grows  → docs/benchmarks-scaling.md
gpu                  all of it on a CUDA device        → docs/benchmarks-cuda.md
profile              where the time of a step goes     → docs/benchmarks-profile.md
distributed_scaling  a step shared by processes        → docs/scaling.md
lockstep_cost        training both sides in lockstep, beside each of them alone

`cost_model` predicts a shared step; `power_law` fits the growth of a step.
"""
