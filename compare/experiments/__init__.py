"""The lessons, one a file, each ending in its EXPERIMENT."""

LESSONS = (
    # Optimisation
    *("newton", "blind_minimum", "wiggle_or_gate", "wiggle_digits"),
    *("optimizers", "schedulers", "forward_forward"),
    # The one-layer perceptron
    *("or_gate", "and_gate", "nand_gate", "or_rosenblatt"),
    *(
        "wide_output",
        "batch",
        "accumulation",
        "step_activation",
        "xor_linear",
        "xor_mlp",
    ),
    # Error
    *("linear_regression", "digits_softmax", "custom_error", "smooth_templates"),
    # Backpropagation and deep learning
    *("digits_mlp", "vanishing_gradient", "exploding_gradient"),
    *("residual", "batch_norm", "layer_norm"),
    *("overfitting", "weight_decay", "dropout", "digits_cnn"),
    *("more_data_more_compute", "augmentation"),
    *("few_bits", "precision_paths", "half_precision"),
    *("autoencoder", "generate", "digits_clusters", "semi_supervised"),
    *("four_ways", "curvature"),
    "names_gpt",
)
"""Their names in teaching order."""
