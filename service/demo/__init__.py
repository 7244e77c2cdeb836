"""What `make demo` shows around the product: a company's web site that plays the CMS, example data, the runner."""
