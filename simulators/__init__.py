"""Six demo apps and the incidents one can provoke in them."""
