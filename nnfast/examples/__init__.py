"""Examples that run: `python -m nnfast.examples.NAME`; each says what it shows at its head and with --help.

- to begin with: `logic_gates`, `logistic_regression`, `cross_entropy`, `optimizers_valley`
- why networks are made as they are: `initialisation`, `vanishing_gradients`, `regularisation`
- data sets: `mnist`, `cifar10`, `bike_sharing`, `sentiment`, `fine_tuning`
- loops of one's own: `gan`, `cartpole`
"""
