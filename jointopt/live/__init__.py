"""Live views: training that can be watched and steered while it runs."""
