"""The deterministic engine: kernels and control plane (road step 2). PURE."""
