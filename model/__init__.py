"""Base encoders, the network, ONNX export, the release directory and its runtime."""
