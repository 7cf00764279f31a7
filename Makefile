# Two commands, each enough on its own: `make demo` and `make test`. Any Python from 3.11 to 3.13 will do.
PYTHON ?= python3
BIN := .venv/bin
RUN ?= runs/demo

.PHONY: demo test lint clean

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[cpu,jax,tensorboard,dev]'
	touch .venv/installed

# A class-conditional GAN on handwritten digits that need no network, in about two minutes on two cores.
demo: .venv/installed
	$(BIN)/sparring train digits --run $(RUN) --set images=100000
	$(BIN)/sparring evaluate $(RUN)
	@echo
	@echo "Look at $(RUN)/grid.png, $(RUN)/training.gif and $(RUN)/curves.png. Then try:"
	@echo "  $(BIN)/sparring sample $(RUN) -n 36 --label 3"
	@echo "  $(BIN)/sparring sample $(RUN) -n 25 --interpolate 90"
	@echo "  $(BIN)/sparring train mnist --recipe article --epochs 10 --batch-size 100"
	@echo "  $(BIN)/sparring train ~/photos --size 64"

# The tests on TensorFlow, and again, in a process of its own, on JAX; there XLA need not optimise what runs for a moment.
test: .venv/installed
	KERAS_BACKEND=tensorflow $(BIN)/python -m pytest -n 2 --dist loadgroup
	KERAS_BACKEND=jax XLA_FLAGS=--xla_backend_optimization_level=0 $(BIN)/python -m pytest -n 2 --dist loadgroup

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache .mypy_cache
