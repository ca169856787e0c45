"""The site with cars of every shape profile: what a car truly has beside what arrives."""
